//! Checks layering: each module imports only from modules listed before it in ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of ARCHITECTURE.md's list of layers, each with its modules, lowest first.
fn layers() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let list = text.split("```layers\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a list of layers");
    // A long line continues on the next one, which is indented.
    let list = list.replace("\n ", " ");
    let line = |line: &str| {
        let (folder, modules) = line.split_once(':').expect("folder: modules");
        (folder.trim().to_owned(), modules.split_whitespace().map(str::to_owned).collect())
    };
    list.lines().filter(|line| !line.is_empty()).map(line).collect()
}

/// Code without comments and unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(code).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    stem.ends_with("tests") || stem == "ulp"
}

/// The source files of a module: `name.rs` and everything below `name/`.
fn files(folder: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![folder.join(format!("{module}.rs"))];
    let mut folders = vec![folder.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "rs") && path.exists() && !is_test(path));
    files
}

fn modules(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs"));
    let names =
        sources.filter(|path| !is_test(path)).map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !["lib", "main", "mod"].contains(&name.as_str())).collect()
}

/// The module paths that `code` names: after `prefix`, the first segment of each, or of each in braces.
fn imports(code: &str, prefix: &str) -> BTreeSet<String> {
    let segment =
        |text: &str| text.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        // Not the end of a longer path.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        match code[at + prefix.len()..].strip_prefix('{') {
            Some(list) => {
                let mut depth = 0;
                let end = list
                    .find(|c| {
                        depth += i32::from(c == '{') - i32::from(c == '}');
                        depth < 0
                    })
                    .unwrap();
                let mut depth = 0;
                let top = |c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                };
                found.extend(list[..end].split(top).map(segment));
            }
            None => drop(found.insert(segment(&code[at + prefix.len()..]))),
        }
    }
    found.remove("");
    found
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut upwards = Vec::new();
    for (folder, order) in layers() {
        let path = Path::new(&folder);
        let listed: BTreeSet<String> = order.iter().cloned().collect();
        assert_eq!(listed, modules(path), "ARCHITECTURE.md lists the modules of {folder}");
        // The path of the folder within its crate, as imports write it.
        let inner = folder.split_once("/src").unwrap().1;
        let from_crate = format!("crate{}::", inner.replace('/', "::"));
        for (place, module) in order.iter().enumerate() {
            for file in files(path, module) {
                let code = code(&file);
                let mut used = imports(&code, &from_crate);
                // In the module's own file, `super` is the folder's module, or the crate.
                if file == path.join(format!("{module}.rs")) && !inner.is_empty() {
                    used.extend(imports(&code, "super::"));
                }
                for name in used.iter().filter(|name| *name != module) {
                    match order.iter().position(|other| other == name) {
                        Some(at) if at < place => {}
                        Some(_) => upwards.push(format!("{}: {module} imports {name}", file.display())),
                        None => upwards.push(format!("{}: imports {name} of its parent", file.display())),
                    }
                }
            }
        }
    }
    assert!(upwards.is_empty(), "imports from higher layers:\n{}", upwards.join("\n"));
}

/// The check recognises all forms of imports.
#[test]
fn imports_are_recognised() {
    let code = "use crate::a::{B, c::D};\nuse crate::{e, f::{g, H}, self as x};\nlet y = crate::i::j();\nmy_crate::k;";
    let found: Vec<String> = imports(code, "crate::").into_iter().collect();
    assert_eq!(found, ["a", "e", "f", "i", "self"]);
}
