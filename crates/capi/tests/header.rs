//! Compares the declarations of the header with those of the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The text without comments and attributes, its white space single.
fn plain(text: &str) -> String {
    let text: String = text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, after)| after)).collect();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let text: Vec<_> = lines.filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    text.join(" ")
}

/// What stands between the first `open` and the next `close`.
fn between(text: &str, open: char, close: char) -> &str {
    text.split_once(open).and_then(|(_, rest)| rest.split_once(close)).unwrap_or_default().0
}

/// `const double *loss` as `loss: *const f64`, which is how the source says it.
fn rust(declaration: &str) -> String {
    let at = declaration.rfind([' ', '*']).unwrap() + 1;
    let (mut kind, name) = (declaration[..at].trim(), declaration[at..].replace("type", "r#type"));
    let mut pointers = String::new();
    while let Some(target) = kind.strip_suffix('*') {
        kind = target.trim();
        // Of a pointer to pointers, only the inner one may be const.
        let constant = kind.starts_with("const ") && !kind.ends_with('*');
        pointers.push_str(if constant { "*const " } else { "*mut " });
    }
    let kind = match kind.trim_start_matches("const ") {
        "size_t" => "usize",
        "uint8_t" => "u8",
        "uint32_t" => "u32",
        "uint64_t" => "u64",
        "int32_t" => "i32",
        "double" => "f64",
        "char" => "c_char",
        "void" => "c_void",
        own => own,
    };
    format!("{name}: {pointers}{kind}")
}

fn header(text: &str) -> BTreeSet<String> {
    let text = plain(text);
    let mut found = BTreeSet::new();
    for item in text.split("typedef enum ").skip(1) {
        found.extend(between(item, '{', '}').split(',').map(|constant| constant.trim().to_owned()));
    }
    for item in text.split("typedef struct ").skip(1).filter(|item| item.split([' ', ';']).nth(1) == Some("{")) {
        let fields: Vec<_> = between(item, '{', '}').trim().split_terminator(';').map(|f| rust(f.trim())).collect();
        found.insert(format!("{} {{ {} }}", item.split(' ').next().unwrap(), fields.join(", ")));
    }
    for item in text.split("tl_status tl_").skip(1).filter(|item| item.find(");") == item.find(')')) {
        let parameters: Vec<_> = between(item, '(', ')').split(',').map(|p| rust(p.trim())).collect();
        found.insert(format!("fn tl_{}({})", item.split('(').next().unwrap(), parameters.join(", ")));
    }
    found
}

fn source(text: &str) -> BTreeSet<String> {
    let text = plain(text);
    let mut found = BTreeSet::new();
    for item in text.split("constants! { ").skip(1).chain(text.split("statuses! ").skip(1)) {
        found.extend(between(item, '{', '}').split(',').map(|constant| constant.trim().to_owned()));
    }
    let structs = text.split("options! { ").skip(1).map(|item| (item, "size: usize, "));
    for (item, first) in structs.chain(text.split("pub struct ").skip(1).map(|item| (item, ""))) {
        let fields =
            between(item, '{', '}').split(", ").map(|f| f.split(" = ").next().unwrap().trim().trim_end_matches(','));
        let fields: Vec<_> = fields.filter(|field| !field.is_empty()).collect();
        found.insert(format!("{} {{ {first}{} }}", item.split(' ').next().unwrap(), fields.join(", ")));
    }
    for item in text.split("functions! {").skip(1).flat_map(|block| block.split(" fn tl_").skip(1)) {
        let parameters = between(item, '(', ')').trim().trim_end_matches(',');
        found.insert(format!("fn tl_{}({parameters})", item.split('(').next().unwrap()));
    }
    found
}

#[test]
fn the_header_declares_what_the_source_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = header(&fs::read_to_string(here.join("include/twolayer.h")).unwrap());
    let files = fs::read_dir(here.join("src")).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let mut source: BTreeSet<String> = files.flat_map(|text| source(&text)).collect();
    let known = ["tl_network {", "grown {", "$name {", "$type {"];
    source.retain(|item| item != "*" && !known.iter().any(|k| item.starts_with(k)) && !item.contains('$'));
    let (missing, strange): (Vec<_>, Vec<_>) =
        (source.difference(&header).collect(), header.difference(&source).collect());
    assert!(missing.is_empty() && strange.is_empty(), "only the source has {missing:#?}, only the header {strange:#?}");
    assert!(header.len() > 80, "{header:#?}");
}
