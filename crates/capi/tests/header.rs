//! Compares the declarations of the header with those of the source, as cbindgen renders them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The declarations of a header: its constants, structs and functions, each on one line.
fn declarations(header: &str) -> BTreeSet<String> {
    let without_comments = |part: &str| part.split_once("*/").map_or(part.to_owned(), |(_, after)| after.to_owned());
    let text: String = header.split("/*").map(without_comments).collect();
    // Inline functions are no part of the library.
    let without_inline = |part: &str| part.split_once("\n}\n").unwrap().1.to_owned();
    let (first, inline) = text.split_once("static inline").unwrap_or((&text, ""));
    let inline: String = inline.split("static inline").filter(|part| !part.is_empty()).map(without_inline).collect();
    let text = first.to_owned() + &inline;
    let (defines, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
    let constants = defines.iter().filter_map(|line| line.strip_prefix("#define TL_"));
    let mut found: BTreeSet<String> = constants.map(|rest| format!("TL_{rest}")).collect();
    let text = others.join(" ").replace("extern \"C\" {", "");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("* ", "*").replace(" *", "*");
    for item in text.split("typedef enum ").skip(1) {
        let body = item.split_once('{').unwrap().1.split_once('}').unwrap().0;
        found.extend(body.split(',').map(|constant| constant.trim().replace(" = ", " ")));
    }
    for item in
        text.split("typedef struct ").skip(1).filter(|item| item.find('{').is_some_and(|at| Some(at) < item.find(';')))
    {
        found.insert(item.split_once('}').unwrap().0.to_owned());
    }
    let functions = text.split(';').filter_map(|item| item.rsplit(['{', '}']).next()).map(str::trim);
    let functions = functions.filter(|item| item.ends_with(')') && !item.starts_with("typedef"));
    found.extend(functions.map(|item| item.replace("struct ", "")));
    found.remove("TWOLAYER_H");
    found
}

#[test]
fn the_header_declares_what_the_source_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(here.join("cbindgen.toml")).unwrap();
    let sources = fs::read_dir(here.join("src")).unwrap().map(|file| file.unwrap().path());
    let builder = sources.fold(cbindgen::Builder::new().with_config(config), |builder, file| builder.with_src(file));
    let mut made = Vec::new();
    builder.generate().expect("cbindgen reads the source").write(&mut made);
    let source = declarations(&String::from_utf8(made).unwrap());
    let header = declarations(&fs::read_to_string(here.join("include/twolayer.h")).unwrap());
    assert!(source.len() > 90, "{source:#?}");
    let missing: Vec<_> = source.difference(&header).collect();
    let strange: Vec<_> = header.difference(&source).collect();
    assert!(missing.is_empty() && strange.is_empty(), "only the source has {missing:#?}, only the header {strange:#?}");
}
