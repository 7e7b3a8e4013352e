// The checks of one page, as one expression that `pages.rs` runs in the browser.
({
  // The controls that a Tab key should reach, in the order of the document: those of a modal dialog while it is open.
  controls() {
    const root = document.querySelector('dialog:modal') ?? document;
    const css = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
    return [...root.querySelectorAll(css)].filter((control) => control.checkVisibility() && !control.disabled);
  },

  // The position of the control with the focus, and why its focus cannot be seen.
  focused() {
    const control = document.activeElement;
    if (!control || control === document.body) return null;
    const style = getComputedStyle(control);
    const contrast = this.contrast(style.outlineColor, this.background(control.parentElement));
    const box = control.getBoundingClientRect();
    const problem =
      style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2 ? 'has no outline of 2px'
      : contrast < 3 ? `has an outline with a contrast of ${contrast.toFixed(2)}:1`
      : box.top < 0 || box.left < 0 || box.right > innerWidth ? 'is outside of the window'
      : null;
    const name = control.outerHTML.slice(0, 80);
    return { at: this.controls().indexOf(control), name, problem };
  },

  background(element) {
    for (; element; element = element.parentElement) {
      const { backgroundColor } = getComputedStyle(element);
      if (this.rgba(backgroundColor)[3] === 1) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  },

  // Red, green, blue from 0 to 1, and alpha, of a computed colour.
  rgba(color) {
    const numbers = color.match(/[\d.]+/g).map(Number);
    const scale = color.startsWith('rgb') ? 255 : 1;
    return [...numbers.slice(0, 3).map((number) => number / scale), numbers[3] ?? 1];
  },

  // WCAG 2.2, contrast ratio.
  contrast(one, other) {
    const luminance = (color) => {
      const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = this.rgba(color).slice(0, 3).map(linear);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  },

  // What has moved since the page loaded (Layout Instability §2.2). A change of the window's size does not count.
  shifts() {
    return new Promise((resolve) => {
      const shifts = [];
      const describe = ({ node, previousRect: from, currentRect: to }) =>
        `${node?.nodeName} from ${from.y} to ${to.y}, ${from.width}x${from.height} to ${to.width}x${to.height}`;
      const add = (list) =>
        list.getEntries().filter(({ hadRecentInput }) => !hadRecentInput)
          .forEach(({ value, sources }) => shifts.push(`moves by ${value}: ${sources.map(describe).join('; ')}`));
      new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
      requestAnimationFrame(() => setTimeout(() => resolve(shifts)));
    });
  },

  // What is wrong with the page at its present width.
  async problems() {
    const { scrollWidth, clientWidth } = document.documentElement;
    const problems = [];
    if (scrollWidth > clientWidth) problems.push(`scrolls horizontally: ${scrollWidth} > ${clientWidth} px`);
    // The frames of a page are pages of other apps.
    const rules = { 'target-size': { enabled: true } };
    const { violations, incomplete } = await axe.run(document, { iframes: false, rules });
    const uncertain = incomplete.filter(({ id }) => id === 'color-contrast');
    for (const { id, help, nodes } of [...violations, ...uncertain]) {
      problems.push(`axe ${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
    }
    return problems;
  },
})
