//! Architecture rules: order of modules, sizes, names, and dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the core in the order of the data flow. A module may import only from
/// earlier modules.
const ORDER: [&str; 41] = [
    "opaque",
    "base64url",
    "error",
    "json",
    "headers",
    "secret",
    "browser_script",
    "clock",
    "retry",
    "issuer",
    "events",
    "http",
    "language",
    "config",
    "discovery",
    "jose",
    "protocol",
    "tokens",
    "cookie",
    "tenant",
    "login",
    "callback",
    "session",
    "policy",
    "bearer",
    "request",
    "response",
    "routing",
    "site",
    "browser_kit",
    "logout",
    "sign_in",
    "id_jag",
    "outgoing",
    "okta_api",
    "device",
    "engine",
    "openapi",
    "multi_tenant",
    "proxy",
    "adapter",
];

/// Words that name no file and no type: adverbs, metaphors and bare generic nouns. The terms of the specifications and of
/// the Rust ecosystem take their place.
const NOT_NAMES: [&str; 24] = [
    "arrival",
    "demands",
    "entrance",
    "everybody",
    "happening",
    "helper",
    "instead",
    "late",
    "lobby",
    "manager",
    "many",
    "nobody",
    "once",
    "pass",
    "places",
    "rest",
    "somebody",
    "taken",
    "telling",
    "turn",
    "unsaved",
    "utils",
    "visit",
    "whoever",
];

/// The published crates, whose sources must meet the size limits.
const CRATES: [&str; 6] =
    ["", "okta-auth-core", "okta-auth-axum", "okta-auth-actix", "okta-auth-tonic", "okta-auth-dev"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines of a file without its unit tests.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().take_while(|line| *line != "#[cfg(test)]").map(str::to_owned).collect()
}

fn sources() -> Vec<(PathBuf, Vec<String>)> {
    let folders = CRATES.iter().map(|name| root().join(name).join("src"));
    let files = folders.flat_map(|folder| rust_files(&folder));
    // A file named `tests.rs` or `.._tests.rs` is a module of unit tests.
    let is_test = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs"));
    files.filter(|path| !is_test(path)).map(|path| (path.clone(), lines(&path))).collect()
}

#[test]
fn modules_import_only_from_earlier_modules() {
    let source = root().join("okta-auth-core/src");
    let rank: BTreeMap<&str, usize> = ORDER.iter().enumerate().map(|(rank, name)| (*name, rank)).collect();
    let mut wrong = Vec::new();
    for path in rust_files(&source) {
        let relative = path.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(own) = rank.get(module) else { continue };
        for line in lines(&path) {
            for import in line.split("crate::").skip(1) {
                let name: String = import.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(other) = rank.get(name.as_str()) else { continue };
                if other > own {
                    wrong.push(format!("{}: {line}", relative.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that violate the order of DESIGN 1:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_core_is_in_the_order() {
    for entry in fs::read_dir(root().join("okta-auth-core/src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "lib" || ORDER.contains(&module), "`{module}` is missing in the order of DESIGN 1");
    }
}

/// The code of a file: without comments and unit tests.
fn code(path: &Path) -> String {
    let lines = lines(path);
    let code = lines.iter().map(|line| line.split("//").next().unwrap());
    code.collect::<Vec<_>>().join("\n")
}

/// The names in a path after `super::` or `crate::folder::`: one, or a list in braces.
fn imported<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let after = code.split(prefix).skip(1).map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split(';').next().unwrap(),
        None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap(),
    });
    after
        .flat_map(|list| list.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|name| !name.is_empty())
        .collect()
}

/// The items that a file defines.
fn defined(code: &str) -> Vec<String> {
    // `'static` is a lifetime and no keyword.
    let code = code.replace("'static", "");
    let words: Vec<&str> =
        code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let kinds = ["struct", "enum", "trait", "type", "fn", "const", "static"];
    words.windows(2).filter(|pair| kinds.contains(&pair[0])).map(|pair| pair[1].to_owned()).collect()
}

/// Which files of a folder a file of it imports, by itself or by what they define.
fn imports_in(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files = files.filter(|path| !path.to_string_lossy().ends_with("tests.rs"));
    let code: BTreeMap<String, String> =
        files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), code(&path))).collect();
    let items = code.iter().filter(|(file, _)| *file != "mod").flat_map(|(file, code)| {
        defined(code)
            .into_iter()
            .filter(|item| item.starts_with(char::is_uppercase))
            .map(move |item| (item, file.clone()))
    });
    let items: BTreeMap<String, String> = items.collect();
    let own = format!("crate::{}::", folder.file_name().unwrap().to_str().unwrap());
    let imports = code.iter().filter(|(file, _)| *file != "mod" && *file != "lib").map(|(file, text)| {
        let names = imported(text, "super::").into_iter().chain(imported(text, &own));
        let files = names.filter_map(|name| code.get_key_value(name).map(|(file, _)| file).or_else(|| items.get(name)));
        (file.clone(), files.filter(|other| *other != file).cloned().collect())
    });
    imports.collect()
}

/// What can be reached from a file.
fn reachable(imports: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(file) = next.pop() {
        for other in imports.get(&file).into_iter().flatten() {
            if seen.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    seen
}

#[test]
fn the_files_of_a_folder_import_each_other_in_no_circle() {
    let mut found = Vec::new();
    let source = root().join("okta-auth-core/src");
    let folders = fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    for folder in folders.chain(["okta-auth-axum/src", "okta-auth-actix/src"].map(|adapter| root().join(adapter))) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let imports = imports_in(&folder);
        for file in imports.keys().filter(|file| reachable(&imports, file).contains(*file)) {
            found.push(format!("{name}/{file}"));
        }
    }
    assert_eq!(found, Vec::<String>::new(), "files that import each other in a circle");
}

/// The text between `impl` and its block, for each `impl` of a file.
fn impl_headers(code: &str) -> Vec<&str> {
    let is_start = |at: usize| {
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        code[line..at].trim().is_empty() && code[at + 4..].starts_with(['<', ' '])
    };
    let starts = code.match_indices("impl").filter(|(at, _)| is_start(*at));
    starts.filter_map(|(at, _)| code[at + 4..].split('{').next()).collect()
}

/// The header of an `impl` without its generic parameters.
fn without_generics(header: &str) -> &str {
    let mut depth = 0;
    for (at, c) in header.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if header[..at].ends_with('-') => {}
            '>' if depth == 1 => return &header[at + 1..],
            '>' => depth -= 1,
            _ if depth == 0 && !c.is_whitespace() => return &header[at..],
            _ => {}
        }
    }
    ""
}

/// An inherent `impl` belongs to the file or the folder that defines the type. An `impl` of a trait may also belong to that
/// of the trait, or of a type in its parameters.
#[test]
fn an_impl_is_in_the_folder_of_its_type() {
    let mut found = Vec::new();
    for name in &CRATES[1..] {
        let source = root().join(name).join("src");
        let files = rust_files(&source).into_iter().filter(|path| !path.to_string_lossy().ends_with("tests.rs"));
        let folder_of = |path: &Path| path.strip_prefix(&source).unwrap().iter().next().unwrap().to_owned();
        let files: Vec<_> = files.map(|path| (folder_of(&path), code(&path), path)).collect();
        let mut folders: BTreeMap<String, BTreeSet<&OsString>> = BTreeMap::new();
        for (folder, code, _) in &files {
            for item in defined(code) {
                folders.entry(item).or_default().insert(folder);
            }
        }
        for (folder, code, path) in &files {
            for header in impl_headers(code).into_iter().map(without_generics) {
                let header = header.split(" where").next().unwrap().split("\nwhere").next().unwrap();
                let names = header.split(|c: char| !c.is_alphanumeric() && c != '_');
                let names = names.filter(|name| name.starts_with(char::is_uppercase));
                let names = names.take(if header.contains(" for ") { usize::MAX } else { 1 });
                let own: Vec<_> = names.filter_map(|name| folders.get(name)).map(|own| own.contains(folder)).collect();
                if !own.is_empty() && !own.contains(&true) {
                    found.push(format!("{}: impl {}", path.strip_prefix(root()).unwrap().display(), header.trim()));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "an `impl` outside of the folder of its type");
}

#[test]
fn files_and_types_have_the_names_of_the_field() {
    for (path, _) in sources() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!NOT_NAMES.contains(&stem), "{} needs a name of the field", path.display());
        let code = code(&path);
        let is_type = |item: &String| item.starts_with(char::is_uppercase) && item.contains(char::is_lowercase);
        for name in defined(&code).into_iter().filter(is_type) {
            assert!(!NOT_NAMES.contains(&name.to_lowercase().as_str()), "{}: `{name}`", path.display());
        }
    }
}

/// The engine orchestrates: what a feature does is in its own folder.
#[test]
fn the_engine_is_small() {
    let files = rust_files(&root().join("okta-auth-core/src/engine"));
    let size: usize = files.iter().map(|path| fs::read_to_string(path).unwrap().lines().count()).sum();
    assert!(files.len() <= 16 && size <= 2500, "the engine has {size} lines in {} files", files.len());
    let is_method = |line: &&String| line.starts_with("    ") && !line.starts_with("     ") && line.contains("fn ");
    let mut methods = 0;
    for path in files {
        let mut lines = lines(&path).into_iter().skip_while(|line| line != "impl RequestContext {");
        let block: Vec<String> = lines.by_ref().take_while(|line| line != "}").collect();
        methods += block.iter().filter(is_method).filter(|line| !line.trim_start().starts_with("//")).count();
    }
    assert!((10..=30).contains(&methods), "`RequestContext` has {methods} methods");
}

#[test]
fn files_are_short() {
    let mut sizes = Vec::new();
    for (path, lines) in sources() {
        assert!(lines.len() <= 450, "{} has {} lines; split it", path.display(), lines.len());
        sizes.push(lines.len());
    }
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= 180, "the median file has {median} lines");
}

/// An adapter converts types and matches on outcomes. A condition on data, or the name of a status, a method, an error code
/// or a decision, would be a decision.
#[test]
fn adapters_decide_nothing() {
    let is_constant = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
    for adapter in ["okta-auth-axum", "okta-auth-actix"] {
        for path in rust_files(&root().join(adapter).join("src")) {
            for line in code(&path).lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let is_condition =
                    words.iter().zip(words.iter().skip(1)).any(|pair| *pair.0 == "if" && *pair.1 != "let");
                assert!(!is_condition, "{}: `{line}` decides; the core has to", path.display());
                for name in ["StatusCode::", "Method::", "Code::", "Decision::", "Effect::"] {
                    let found = line.split(name).skip(1).any(is_constant);
                    assert!(!found, "{}: `{name}` in `{line}`; the core has to decide", path.display());
                }
            }
        }
    }
}

#[test]
fn the_facade_only_re_exports() {
    assert!(lines(&root().join("src/lib.rs")).len() <= 60);
}

#[test]
fn functions_are_short() {
    let mut sizes = Vec::new();
    for (path, lines) in sources() {
        for (start, line) in lines.iter().enumerate() {
            let trimmed = line.trim_start();
            let is_function = ["fn ", "async fn ", "const fn "].iter().any(|start| {
                let visible = trimmed.strip_prefix("pub ").or_else(|| {
                    trimmed.strip_prefix("pub(").and_then(|rest| rest.split_once(") ").map(|(_, rest)| rest))
                });
                visible.unwrap_or(trimmed).starts_with(start)
            });
            if !is_function {
                continue;
            }
            let indent = &line[..line.len() - trimmed.len()];
            let Some(body) = lines[start..].iter().position(|line| line.ends_with('{') || line.ends_with('}')) else {
                continue;
            };
            if lines[start + body].ends_with('}') {
                sizes.push(1);
                continue;
            }
            let close = format!("{indent}}}");
            let end = lines[start..].iter().position(|line| *line == close).unwrap_or(0);
            assert!(end <= 60, "{}:{} is a function of {end} lines", path.display(), start + 1);
            sizes.push(end);
        }
    }
    let long = sizes.iter().filter(|size| **size > 21).count();
    assert!(sizes.len() > 100, "the function count is wrong");
    assert!(long * 10 <= sizes.len(), "{long} of {} functions are longer than 20 lines", sizes.len());
}

#[test]
fn names_avoid_generic_terms() {
    for (path, lines) in sources() {
        for line in lines {
            for bad in ["fn get_", "Manager", "Helper", "mod utils", "mod util;"] {
                let code = line.split("//").next().unwrap();
                assert!(!code.contains(bad), "{}: `{bad}` in `{line}`", path.display());
            }
        }
    }
}

#[test]
fn time_randomness_and_http_are_each_used_in_one_place() {
    let rules = [
        ("SystemTime::now", ["clock.rs"].as_slice()),
        ("Instant::now", &["clock.rs"]),
        ("rand::fill", &["secret.rs"]),
        // The middleware runs in the application's own client. A proxy streams, and sends nothing to Okta.
        ("reqwest::", &["http", "outgoing/middleware.rs", "proxy/upstream.rs"]),
        ("use openidconnect", &["protocol"]),
    ];
    let source = root().join("okta-auth-core/src");
    for path in rust_files(&source) {
        let relative = path.strip_prefix(&source).unwrap();
        for line in lines(&path).iter().filter(|line| !line.trim_start().starts_with("//")) {
            for (what, places) in rules {
                let here = places.iter().any(|place| relative.starts_with(place));
                assert!(here || !line.contains(what), "{}: `{what}` belongs in {places:?}", relative.display());
            }
        }
    }
}

#[test]
fn the_core_depends_on_no_framework_and_the_org_shares_no_code() {
    let manifest = |name: &str| fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let core = manifest("okta-auth-core");
    let dependencies = core.split("[dependencies]").nth(1).unwrap().split("[dev-dependencies]").next().unwrap();
    for framework in ["axum", "actix", "tower", "hyper", "jsonwebtoken", "okta-auth-dev"] {
        assert!(!dependencies.contains(framework), "the core depends on {framework}");
    }
    assert!(!manifest("okta-auth-dev").contains("okta-auth-core"), "the development org shares code with the core");
    assert!(!manifest("okta-auth-core").contains("okta-auth-dev"), "the core depends on the development org");
}

/// Package registries show a README without its repository.
#[test]
fn links_of_published_pages_are_absolute_and_resolve() {
    let repository = "https://github.com/okta-auth/okta-auth/blob/main/";
    for page in ["README.md", "okta-auth-dev/README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.starts_with("https://") || link.starts_with('#'), "{page}: `{link}` is relative");
            let file = link.strip_prefix(repository).and_then(|path| path.split('#').next());
            assert!(file.is_none_or(|file| root().join(file).exists()), "{page}: `{link}` leads nowhere");
        }
    }
}

/// The files of an example that its twin for the other framework has too.
const SHARED_FILES: [(&str, &str, &[&str]); 3] = [
    (
        "axum-app",
        "actix-app",
        &["policies.toml", "src/app.js", "src/devices.rs", "src/pages.rs", "src/port.rs", "src/settings.rs"],
    ),
    ("axum-api", "actix-api", &["src/port.rs"]),
    (
        "multi-tenant-axum",
        "multi-tenant-actix",
        &["policies.toml", "strict.toml", "src/customers.rs", "src/pages.rs", "src/port.rs", "src/saas.rs"],
    ),
];

#[test]
fn examples_can_be_copied_alone() {
    let examples = root().join("examples");
    for entry in fs::read_dir(&examples).unwrap() {
        let example = entry.unwrap().path();
        let read = |name: &str| fs::read_to_string(example.join(name)).unwrap_or_default();
        let (manifest, readme) = (read("Cargo.toml"), read("README.md"));
        assert!(!manifest.contains("workspace"), "{} inherits from the workspace", example.display());
        for path in manifest.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let is_crate =
                ["../..", "../../okta-auth-dev", "../../okta-auth-tonic", "../../tests/examples", "src/main.rs"]
                    .contains(&path);
            assert!(is_crate, "{}: `{path}` is a file of another example", example.display());
        }
        assert!((5..=20).contains(&readme.lines().count()), "{} needs a README of one topic", example.display());
        for file in rust_files(&example) {
            assert!(!fs::read_to_string(&file).unwrap().contains("\"../../"), "{} leaves its example", file.display());
        }
    }
    for (one, other, files) in SHARED_FILES {
        for file in files {
            let read = |example: &str| fs::read_to_string(examples.join(example).join(file)).unwrap();
            assert!(read(one) == read(other), "{file} differs between {one} and {other}");
        }
    }
}
