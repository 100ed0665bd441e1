//! Reads the declarations of the header, and compares them with those of the source.

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
        let kind = kind.trim_start_matches("const ");
        let c = ["size_t", "uint8_t", "uint32_t", "uint64_t", "int32_t", "double", "char", "void"];
        let rust = ["usize", "u8", "u32", "u64", "i32", "f64", "c_char", "c_void"];
        let kind = c.iter().position(|c| *c == kind).map_or(kind, |i| rust[i]);
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

#[test]
fn the_header_declares_what_the_source_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/capi");
    let text = fs::read_to_string(here.join("include/twolayer.h")).unwrap();
    let (header, functions) = (plain(&text), functions(&text));
    let files = fs::read_dir(here.join("src")).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let source = files.map(|text| plain(&text)).collect::<Vec<_>>().join(" ").replace("( ", "(").replace(", )", ")");

    let constants: Vec<_> =
        header.split("typedef enum ").skip(1).flat_map(|item| list(item, '{', '}', ",").1).collect();
    for constant in &constants {
        let found = [",", " }"].iter().any(|end| source.contains(&format!("{constant}{end}")));
        assert!(found, "only the header has {constant}");
    }
    let words = source.split(' ').zip(source.split(' ').skip(1));
    assert_eq!(words.filter(|(name, is)| name.starts_with("TL_") && *is == "=").count(), constants.len());
    for item in header.split("typedef struct ").skip(1).filter(|item| item.split([' ', ';']).nth(1) == Some("{")) {
        let (name, fields) = list(item, '{', '}', ";");
        let starts = [format!("struct {name} "), format!("options! {{ {name} ")];
        let found = list(starts.iter().find_map(|start| source.split_once(start)).expect(name).1, '{', '}', ", ").1;
        let found: Vec<_> = found.into_iter().map(|field| field.split(" = ").next().unwrap().to_owned()).collect();
        // The size, with which options begin, is not listed in the source.
        let fields = fields.into_iter().map(|field| Variable::new(field).rust()).filter(|field| field != "size: usize");
        assert_eq!(found, fields.collect::<Vec<_>>(), "{name}");
    }
    for Function { name, parameters, .. } in functions.iter().filter(|function| function.returns == "tl_status") {
        let parameters: Vec<_> = parameters.iter().map(Variable::rust).collect();
        let signature = format!("fn {name}({})", parameters.join(", "));
        assert!(source.contains(&signature), "only the header has {signature}");
    }
}
