//! The book of docs/: complete, without dead links, and in step with the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const REPOSITORY: &str = "https://github.com/okta-auth/okta-auth/";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a folder, with paths relative to the repository.
fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            found.extend(files(&name, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.insert(name);
        }
    }
    found
}

/// The pages, as paths in docs/ without `.md`.
fn pages() -> BTreeSet<String> {
    let name = |file: String| file.strip_prefix("docs/").and_then(|file| file.strip_suffix(".md")).unwrap().to_owned();
    files("docs", "md").into_iter().map(name).filter(|page| page != "SUMMARY").collect()
}

/// The text without code blocks.
fn prose(text: &str) -> String {
    let mut code = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text between `start` and `end`, for each `start`.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split_once(end)).map(|(found, _)| found)
}

/// The link definitions of a page: label and target.
fn definitions(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect()
}

/// The anchors of a page, as GitHub, mdBook and rustdoc derive them from headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// The label that the definitions of a page use for a page or an image of the book.
fn expected_target(page: &str, label: &str) -> String {
    let (path, anchor) =
        label.split_once('#').map_or((label, String::new()), |(path, anchor)| (path, format!("#{anchor}")));
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let own = page.split_once('/').map_or("", |(own, _)| own);
    let extension = if folder == "images" { "" } else { ".md" };
    match (own, folder) {
        (own, folder) if own == folder => format!("{name}{extension}{anchor}"),
        ("", folder) => format!("{folder}/{name}{extension}{anchor}"),
        (_, "") => format!("../{name}{extension}{anchor}"),
        (_, folder) => format!("../{folder}/{name}{extension}{anchor}"),
    }
}

#[test]
fn the_table_of_contents_lists_every_page_once() {
    let summary = read("docs/SUMMARY.md");
    let listed: Vec<&str> = between(&summary, "](", ")").map(|link| link.trim_end_matches(".md")).collect();
    let unique: BTreeSet<String> = listed.iter().map(|page| (*page).to_owned()).collect();
    assert_eq!(unique, pages(), "docs/SUMMARY.md and the files differ");
    assert_eq!(unique.len(), listed.len(), "docs/SUMMARY.md lists a page twice");
}

#[test]
fn the_documentation_of_the_crate_includes_every_page() {
    let guide = read("src/guide.rs");
    for page in pages().into_iter().filter(|page| page != "introduction") {
        assert!(guide.contains(&format!("\"{page}.md\"")), "src/guide.rs lacks {page}.md, so its code is not compiled");
    }
}

/// The text without indentation.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// A block that needs other crates than this one, such as tonic, is a part of an example.
#[test]
fn every_code_block_in_rust_is_compiled() {
    let examples: String = files("examples", "rs").iter().map(|file| trimmed(&read(file))).collect();
    for page in pages() {
        for block in between(&read(format!("docs/{page}.md")), "```rust", "\n```") {
            let (kind, code) = block.split_once('\n').unwrap();
            let is_compiled =
                ["", ",no_run"].contains(&kind) || (kind == ",ignore" && examples.contains(&trimmed(code)));
            assert!(is_compiled, "docs/{page}.md: a block with `{kind}` is not compiled, and is in no example: {code}");
        }
    }
}

/// The gate runs the example on a real Postgres.
#[test]
fn the_statements_for_postgres_are_those_of_the_example() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (page, example) = (read("docs/how-to/sessions-in-postgres.md"), read("examples/postgres-store/src/lib.rs"));
    let (page, example) = (words(&page), words(&example));
    let tables = between(&page, "```sql", "```").map(str::trim);
    let statements = between(&page, "` | `", "`").chain(tables).collect::<Vec<_>>();
    assert_eq!(statements.len(), 12, "{statements:?}");
    for statement in statements {
        assert!(example.contains(statement), "examples/postgres-store lacks: {statement}");
    }
}

#[test]
fn links_between_pages_resolve() {
    let here = read("src/guide_links.md");
    let here = definitions(&here);
    for page in pages() {
        let text = read(format!("docs/{page}.md"));
        let (known, prose) = (definitions(&text), prose(&text));
        let labels: BTreeSet<String> =
            between(&prose, "][", "]").chain(between(&prose, "]\n[", "]")).map(str::to_owned).collect();
        for label in &labels {
            assert_eq!(known.get(label.as_str()).copied(), Some(&*expected_target(&page, label)), "{page}: `{label}`");
            assert!(here.contains_key(label.as_str()), "src/guide_links.md lacks `{label}` of {page}");
            let (path, anchor) = label.split_once('#').unwrap_or((label, ""));
            if path.starts_with("images/") {
                assert!(root().join("docs").join(path).exists(), "{page}: `{label}` does not exist");
                continue;
            }
            assert!(pages().contains(path), "{page}: `{label}` leads nowhere");
            let found = anchor.is_empty() || anchors(&read(format!("docs/{path}.md"))).contains(anchor);
            assert!(found, "{page}: `{label}` has no such heading");
        }
        assert_eq!(known.len(), labels.len(), "{page} defines links that it does not use");
        let relative = between(&prose, "](", ")").find(|link| !link.starts_with("https://") && !link.starts_with('#'));
        assert_eq!(
            relative, None,
            "{page}: write `[text][folder/page]`, which also works in the crate's documentation"
        );
    }
}

#[test]
fn links_to_files_of_the_repository_resolve() {
    let pages = pages().into_iter().map(|page| format!("docs/{page}.md"));
    for page in pages.chain(["README.md", "COMPARE.md", "SECURITY.md", "CONTRIBUTING.md"].map(str::to_owned)) {
        let text = read(&page);
        for link in between(&text, REPOSITORY, ")") {
            let link = link.split(['>', ' ', '"']).next().unwrap();
            let Some(path) = ["blob/main/", "tree/main/", "raw/main/"].iter().find_map(|kind| link.strip_prefix(kind))
            else {
                continue;
            };
            let (path, anchor) = path.split_once('#').unwrap_or((path, ""));
            assert!(root().join(path).exists(), "{page}: {path} does not exist");
            let found = anchor.is_empty() || anchors(&read(path)).contains(anchor);
            assert!(found, "{page}: {path} has no heading `{anchor}`");
        }
    }
}

/// Large images make clones and pages slow.
#[test]
fn images_are_small_and_used() {
    let pages: String = pages().iter().map(|page| read(format!("docs/{page}.md"))).collect();
    for image in files("docs/images", "png") {
        let size = fs::metadata(root().join(&image)).unwrap().len();
        assert!(size <= 60 * 1024, "{image} has {size} bytes");
        assert!(pages.contains(image.trim_start_matches("docs/")), "no page shows {image}");
    }
}

/// The sources of the core, as one text.
fn sources() -> String {
    files("okta-auth-core/src", "rs").iter().map(read).collect()
}

#[test]
fn the_reference_lists_every_code() {
    let page = read("docs/reference/error-codes.md");
    let sources = sources();
    let list = sources.split("\ncodes! {\n").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    let codes: Vec<&str> = between(list, " = \"", "\",\n").chain(list.rsplit(" = \"").next()).collect();
    assert!(codes.len() > 40, "the codes were not found");
    for code in codes {
        let code = code.trim_end_matches("\",");
        assert!(page.contains(&format!("\n| `{code}` | ")), "docs/reference/error-codes.md lacks `{code}`");
    }
}

#[test]
fn the_reference_lists_every_event_and_metric() {
    let sources = sources();
    for (heading, page) in [
        ("//! | event | reason | when |\n", "docs/reference/events.md"),
        ("//! | name | kind | labels | unit |\n", "docs/reference/metrics.md"),
    ] {
        let page_text = read(page);
        let table = sources.split(heading).nth(1).unwrap();
        let rows: Vec<&str> =
            table.lines().skip(1).map_while(|row| row.strip_prefix("//! | `")?.split('`').next()).collect();
        assert!(rows.len() >= 4, "{page}: the table was not found");
        for row in rows {
            assert!(page_text.contains(&format!("\n| `{row}` | ")), "{page} lacks `{row}`");
        }
    }
}

#[test]
fn the_settings_list_every_feature() {
    let (page, manifest) = (read("docs/reference/settings.md"), read("Cargo.toml"));
    let features = between(&manifest, "\n[features]\n", "\n[lib]").next().unwrap();
    let names = features.lines().filter_map(|line| line.split_once(" = [")).map(|(name, _)| name);
    for name in names.filter(|name| *name != "default") {
        assert!(page.contains(&format!("\n| `{name}` | ")), "docs/reference/settings.md lacks the feature {name}");
    }
}

#[test]
fn the_settings_list_every_variable() {
    let page = read("docs/reference/settings.md");
    let sources = sources();
    let variables: BTreeSet<&str> = between(&sources, "pub(crate) const ", ";\n")
        .filter_map(|constant| constant.split_once(": &str = \"OKTA_")?.1.strip_suffix('"'))
        .collect();
    assert!(variables.len() > 15, "the variables were not found");
    for variable in variables {
        assert!(page.contains(&format!("`OKTA_{variable}`")), "docs/reference/settings.md lacks OKTA_{variable}");
    }
}
