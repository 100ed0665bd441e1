//! Reads the declarations of the header, and compares them with those of the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A function of the header.
pub struct Function {
    pub name: String,
    pub returns: String,
    pub parameters: Vec<Variable>,
}

/// A parameter or a field.
pub struct Variable {
    /// Such as `const float *`.
    pub kind: String,
    pub name: String,
}

impl Variable {
    fn new(declaration: &str) -> Self {
        let (kind, name) = declaration.split_at(declaration.rfind([' ', '*']).unwrap() + 1);
        Variable { kind: kind.trim().to_owned(), name: name.to_owned() }
    }

    /// `loss: *const f64` for `const double *loss`: how the source says it.
    fn rust(&self) -> String {
        let (mut kind, mut pointers) = (self.kind.as_str(), String::new());
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
        format!("{}: {pointers}{kind}", self.name.replace("type", "r#type"))
    }
}

/// The text without comments and attributes, its white space single.
fn plain(text: &str) -> String {
    let text: String = text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, after)| after)).collect();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let text: Vec<_> = lines.filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    text.join(" ")
}

/// The name before the next `open`, and what is listed until the next `close`.
fn list<'a>(text: &'a str, open: char, close: char, separator: &str) -> (&'a str, Vec<&'a str>) {
    let (name, rest) = text.split_once(open).unwrap_or_default();
    let items = rest.split(close).next().unwrap_or_default().split(separator);
    (name.trim(), items.map(|item| item.trim().trim_end_matches(',')).filter(|item| !item.is_empty()).collect())
}

/// The functions that the header declares for the linker.
pub fn functions(header: &str) -> Vec<Function> {
    let text = plain(header);
    // What follows the body of a type or of an inline function.
    let declarations = text.split(';').filter_map(|text| text.rsplit('}').next());
    let declarations = declarations.filter(|d| d.ends_with(')') && !d.contains(['{', '=']) && !d.contains("typedef"));
    let function = |declaration| {
        let (head, parameters) = list(declaration, '(', ')', ",");
        let Variable { kind, name } = Variable::new(head);
        let parameters = parameters.into_iter().filter(|p| *p != "void").map(Variable::new).collect();
        Function { name, returns: kind, parameters }
    };
    declarations.map(function).collect()
}

fn of_header(header: &str) -> BTreeSet<String> {
    let (text, functions) = (plain(header), functions(header));
    let join = |variables: Vec<_>| variables.iter().map(Variable::rust).collect::<Vec<_>>().join(", ");
    let mut found = BTreeSet::new();
    for item in text.split("typedef enum ").skip(1) {
        found.extend(list(item, '{', '}', ",").1.into_iter().map(str::to_owned));
    }
    for item in text.split("typedef struct ").skip(1).filter(|item| item.split([' ', ';']).nth(1) == Some("{")) {
        let (name, fields) = list(item, '{', '}', ";");
        found.insert(format!("{name} {{ {} }}", join(fields.into_iter().map(Variable::new).collect())));
    }
    for Function { name, parameters, .. } in functions.into_iter().filter(|f| f.returns == "tl_status") {
        found.insert(format!("fn {name}({})", join(parameters)));
    }
    found
}

fn of_source(text: &str) -> BTreeSet<String> {
    let text = plain(text);
    let mut found = BTreeSet::new();
    for item in text.split("constants! { ").skip(1).chain(text.split("statuses! ").skip(1)) {
        found.extend(list(item, '{', '}', ",").1.into_iter().map(str::to_owned));
    }
    let structs = text.split("options! { ").skip(1).map(|item| (item, "size: usize, "));
    for (item, first) in structs.chain(text.split("pub struct ").skip(1).map(|item| (item, ""))) {
        let (name, fields) = list(item, '{', '}', ", ");
        let fields: Vec<_> = fields.iter().map(|field| field.split(" = ").next().unwrap()).collect();
        found.insert(format!("{name} {{ {first}{} }}", fields.join(", ")));
    }
    for item in text.split("functions! {").skip(1).flat_map(|block| block.split(" fn tl_").skip(1)) {
        let (name, parameters) = list(item, '(', ')', ", ");
        found.insert(format!("fn tl_{name}({})", parameters.join(", ")));
    }
    found.retain(|item| !item.contains('$') && !["*", "tl_network {", "grown {"].iter().any(|k| item.starts_with(k)));
    found
}

#[test]
fn the_header_declares_what_the_source_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/capi");
    let header = of_header(&fs::read_to_string(here.join("include/twolayer.h")).unwrap());
    let files = fs::read_dir(here.join("src")).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let source: BTreeSet<String> = files.flat_map(|text| of_source(&text)).collect();
    let differ: Vec<_> = source.symmetric_difference(&header).collect();
    assert!(differ.is_empty(), "only one of source and header has {differ:#?}");
    assert!(header.len() >= 80, "{header:#?}");
}
