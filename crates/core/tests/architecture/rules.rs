//! The rules. Each looks at one file, as tokens (which see into macros) or as a syntax tree, and names what breaks it.
//! Comments and docstrings are neither.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Sources by path, from the project's folder on: `crates/core/src/lib.rs`.
pub type Sources = BTreeMap<String, String>;

/// The name of a rule.
pub type Rule = &'static str;

/// What a rule found, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    pub rule: Rule,
    pub file: String,
    pub line: usize,
    pub found: String,
}

const CORE: &str = "crates/core/src/";

/// What a layer of the core may use of the crate: ops -> row -> simd, and beside them what knows neither.
const ARROWS: [(&str, &[&str]); 7] = [
    ("simd", &["simd"]),
    // `table` in the macro with which an operation opens its rows.
    ("row", &["row", "simd", "dtype", "table"]),
    (
        "ops",
        &[
            "ops", "row", "simd", "table", "tuning", "checked", "window", "math", "rng", "turn",
        ],
    ),
    ("tuning", &["simd"]),
    ("math", &[]),
    ("rng", &[]),
    ("turn", &[]),
];

/// All files with unsafe code, and in how many places where that is a rule too.
pub const UNSAFE: [(&str, Option<usize>); 17] = [
    ("crates/core/src/pool.rs", Some(1)), // lending work to threads
    ("crates/core/src/row/f32.rs", None),
    ("crates/core/src/row/mod.rs", None),
    ("crates/core/src/simd/avx2.rs", None),
    ("crates/core/src/simd/avx512.rs", None),
    ("crates/core/src/simd/neon.rs", None),
    ("crates/core/src/simd/simd128.rs", None),
    ("crates/core/src/simd/x86.rs", None),
    ("crates/core/src/storage.rs", None),
    ("crates/core/src/table.rs", None),
    ("crates/node/src/borrow.rs", None),
    ("crates/node/src/direct.rs", None),
    ("crates/node/src/error.rs", Some(1)), // throwing
    ("crates/node/src/lib.rs", Some(1)),   // adopting a table
    ("crates/node/src/pages.rs", Some(2)), // madvise
    ("crates/wasm/src/borrow.rs", None),
    (HEAP, None),
];

/// The allocator: it claims linear memory, and asks the engine how much there is, and for more.
const HEAP: &str = "crates/wasm/src/heap.rs";

/// Loops that a binding may have: over the windows, tiles and pieces that a call is cut into, and the rows of a window.
const CUTS: [&str; 4] = ["windows", "tiles", "pieces", "rows_of"];

/// Functions of bindings that copy the few frequencies of an encoding one by one.
const FEW_NUMBERS: [(&str, &str); 2] = [
    ("crates/node/src/lib.rs", "sinusoid_frequencies"),
    ("crates/wasm/src/borrow.rs", "write_doubles"),
];

/// What walks elements without a `for`.
const WALKS: [&str; 9] = [
    "for_each",
    "fold",
    "sum",
    "product",
    "reduce",
    "chunks",
    "chunks_mut",
    "chunks_exact",
    "chunks_exact_mut",
];

/// Every rule, by the words in which it is broken.
pub const RULES: [Rule; 10] = [
    "uses a module above it",
    "an op or a row names a dtype or an instruction set",
    "asks for the target",
    "names intrinsics",
    "decides by dtype",
    "loops over elements in a binding",
    "is unsafe elsewhere",
    "rounds once or as the machine likes",
    "turns a lint off",
    "has a manifest without its rules",
];

/// All that breaks a rule.
pub fn violations(sources: &Sources) -> Vec<Violation> {
    let (rust, manifests): (Vec<_>, Vec<_>) = sources.iter().partition(|(file, _)| file.ends_with(".rs"));
    let read: Vec<Source> = rust.iter().map(|(file, text)| Source::read(file, text)).collect();
    let concrete: Vec<String> = read.iter().flat_map(Source::concrete_names).collect();
    let mut found = Vec::new();
    for source in &read {
        source.arrows(&mut found);
        source.names(&concrete, &mut found);
        source.targets(&mut found);
        source.intrinsics(&mut found);
        source.dtypes(&mut found);
        source.loops(&mut found);
        source.unsafety(&mut found);
        source.rounding(&mut found);
        source.lints(&mut found);
    }
    for (file, text) in manifests {
        manifest(file, text, &mut found);
    }
    found
}

/// One token, flat: brackets are tokens of their own.
struct Token {
    text: String,
    line: usize,
}

/// A file, read.
struct Source<'a> {
    file: &'a str,
    tokens: Vec<Token>,
    tree: syn::File,
}

impl<'a> Source<'a> {
    fn read(file: &'a str, text: &str) -> Source<'a> {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let tree = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        Source { file, tokens, tree }
    }

    fn violation(&self, rule: Rule, line: usize, found: impl Into<String>) -> Violation {
        Violation {
            rule,
            file: self.file.to_owned(),
            line,
            found: found.into(),
        }
    }

    /// Yields a violation for each token that `wrong` says is one.
    fn each(&self, rule: Rule, found: &mut Vec<Violation>, wrong: impl Fn(&str) -> bool) {
        let wrong = self.tokens.iter().filter(|token| wrong(&token.text));
        found.extend(wrong.map(|token| self.violation(rule, token.line, &token.text)));
    }

    /// The module of the core that the file belongs to: `ops` for `ops/bag.rs`.
    fn module(&self) -> Option<&str> {
        let name = self.file.strip_prefix(CORE)?;
        Some(name.split('/').next().unwrap_or(name).trim_end_matches(".rs"))
    }

    /// Modules of the crate that are named, as `crate::x`, `crate::{x, ..}`, or by way of `super`.
    fn modules_used(&self) -> Vec<(&str, usize)> {
        let depth = self
            .file
            .strip_prefix(CORE)
            .map_or(0, |name| name.split('/').filter(|part| *part != "mod.rs").count());
        let text = |i: usize| self.tokens.get(i).map_or("", |token| token.text.as_str());
        let mut used = Vec::new();
        for i in 0..self.tokens.len() {
            let mut next = match text(i) {
                "crate" if text(i + 1) == "::" => i + 2,
                "super" if text(i + 1) == "::" && text(i.wrapping_sub(1)) != "::" => {
                    let mut supers = 1;
                    while text(i + 2 * supers) == "super" {
                        supers += 1;
                    }
                    if supers != depth || text(i + 2 * supers - 1) != "::" {
                        continue;
                    }
                    i + 2 * supers
                }
                _ => continue,
            };
            if text(next) != "{" {
                used.push((text(next), self.tokens[i].line));
                continue;
            }
            // Of `{a::b, c::{d, e}}`: a and c.
            let mut open = 0;
            loop {
                match text(next) {
                    "{" => open += 1,
                    "}" if open == 1 => break,
                    "}" => open -= 1,
                    _ => {}
                }
                if open == 1 && matches!(text(next), "{" | ",") {
                    used.push((text(next + 1), self.tokens[next].line));
                }
                next += 1;
            }
        }
        used
    }

    fn arrows(&self, found: &mut Vec<Violation>) {
        let Some((_, allowed)) = ARROWS.iter().find(|(module, _)| Some(*module) == self.module()) else {
            return;
        };
        for (used, line) in self.modules_used() {
            let is_module = used.starts_with(char::is_lowercase);
            if is_module && !allowed.contains(&used) {
                found.push(self.violation(RULES[0], line, used));
            }
        }
    }

    /// The types that this file makes an instance of [`Simd`] or [`Row`]: what must not be named above.
    fn concrete_names(&self) -> Vec<String> {
        let instance = |item: &syn::Item| -> Option<String> {
            let syn::Item::Impl(block) = item else { return None };
            let path = &block.trait_.as_ref()?.0;
            let name = path.segments.last()?.ident.to_string();
            let syn::Type::Path(own) = &*block.self_ty else {
                return None;
            };
            ["Simd", "Row"]
                .contains(&name.as_str())
                .then(|| own.path.segments.last().unwrap().ident.to_string())
        };
        self.tree.items.iter().filter_map(instance).collect()
    }

    fn names(&self, concrete: &[String], found: &mut Vec<Violation>) {
        let (is_op, is_row) = (self.module() == Some("ops"), self.module() == Some("row"));
        let simd = |name: &str| ["avx2", "avx512", "neon", "simd128"].contains(&name.to_lowercase().as_str());
        if is_op {
            self.each(RULES[1], found, |name| {
                name == "DType" || simd(name) || concrete.iter().any(|known| known == name)
            });
        }
        if is_row {
            self.each(RULES[1], found, |name| simd(name) || name == "Scalar");
        }
    }

    fn targets(&self, found: &mut Vec<Violation>) {
        if self.file == "crates/core/src/simd/mod.rs" {
            return;
        }
        for (i, token) in self.tokens.iter().enumerate() {
            let next = self.tokens.get(i + 1).map_or("", |token| token.text.as_str());
            let wrong = match token.text.as_str() {
                "target_arch" | "target_pointer_width" | "target_family" => true,
                // `#[target_feature(enable = ..)]` belongs into the file of an instruction set.
                "target_feature" => next == "=" || self.module() != Some("simd"),
                "cfg" => next == "!",
                name => name.ends_with("_feature_detected"),
            };
            if wrong {
                found.push(self.violation(RULES[2], token.line, &token.text));
            }
        }
    }

    fn intrinsics(&self, found: &mut Vec<Violation>) {
        if self.module() == Some("simd") || self.file == HEAP {
            return;
        }
        for three in self.tokens.windows(3) {
            if ["std", "core"].contains(&three[0].text.as_str())
                && three[1].text == "::"
                && three[2].text == "arch"
            {
                found.push(self.violation(RULES[3], three[0].line, "arch"));
            }
        }
    }

    fn dtypes(&self, found: &mut Vec<Violation>) {
        if ["crates/core/src/dtype.rs", "crates/core/src/row/mod.rs"].contains(&self.file) {
            return;
        }
        let mut decisions = Decisions { lines: Vec::new() };
        decisions.visit_file(&self.tree);
        found.extend(
            decisions
                .lines
                .iter()
                .map(|&line| self.violation(RULES[4], line, "DType")),
        );
    }

    fn loops(&self, found: &mut Vec<Violation>) {
        if !self.file.starts_with("crates/node/src/") && !self.file.starts_with("crates/wasm/src/") {
            return;
        }
        let mut loops = Loops {
            file: self.file,
            found: Vec::new(),
        };
        loops.visit_file(&self.tree);
        found.extend(
            loops
                .found
                .into_iter()
                .map(|(line, what)| self.violation(RULES[5], line, what)),
        );
    }

    fn unsafety(&self, found: &mut Vec<Violation>) {
        let most = match UNSAFE.iter().find(|(file, _)| *file == self.file) {
            Some((_, most)) => most.unwrap_or(usize::MAX),
            None => 0,
        };
        let places = self.tokens.iter().filter(|token| token.text == "unsafe");
        found.extend(
            places
                .skip(most)
                .map(|token| self.violation(RULES[6], token.line, "unsafe")),
        );
    }

    fn rounding(&self, found: &mut Vec<Violation>) {
        // clippy bans these too, but only where it runs: not on every target's files.
        const PARTS: [&str; 6] = ["fmadd", "fmsub", "fnmadd", "fnmsub", "relaxed_", "mul_add"];
        const STARTS: [&str; 5] = ["vfma", "vfms", "vmla", "vmls", "f32x4_relaxed"];
        self.each(RULES[7], found, |name| {
            PARTS.iter().any(|part| name.contains(part)) || STARTS.iter().any(|start| name.starts_with(start))
        });
    }

    fn lints(&self, found: &mut Vec<Violation>) {
        self.each(RULES[8], found, |name| {
            let detection = self.file == "crates/core/src/simd/mod.rs" && name == "disallowed_macros";
            let held = [
                "undocumented_unsafe_blocks",
                "disallowed_methods",
                "disallowed_macros",
                "unsafe_op_in_unsafe_fn",
            ];
            held.contains(&name) && !detection
        });
    }
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String| tokens.push(Token { text, line });
        match tree {
            TokenTree::Group(group) => {
                let [open, close] = match group.delimiter() {
                    proc_macro2::Delimiter::Brace => ["{", "}"],
                    proc_macro2::Delimiter::Bracket => ["[", "]"],
                    _ => ["(", ")"],
                };
                push(open.to_owned());
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                });
            }
            TokenTree::Ident(ident) => push(ident.to_string()),
            TokenTree::Punct(punct) => {
                let last = tokens
                    .last_mut()
                    .filter(|last| last.text == ":" && punct.as_char() == ':');
                match last {
                    Some(last) => last.text = "::".to_owned(),
                    None => tokens.push(Token {
                        text: punct.as_char().to_string(),
                        line,
                    }),
                }
            }
            // What a literal says names nothing.
            TokenTree::Literal(_) => push(String::new()),
        }
    }
}

/// Whether a path goes through `DType`: `DType::F32`, not `DType` itself.
fn names_variant(path: &syn::Path) -> bool {
    path.segments
        .iter()
        .rev()
        .skip(1)
        .any(|segment| segment.ident == "DType")
}

/// Where a dtype decides: in a pattern, in a comparison, inside a macro, or imported to hide in one of them.
struct Decisions {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Decisions {
    fn visit_pat(&mut self, pat: &'ast syn::Pat) {
        let path = match pat {
            syn::Pat::Path(pat) => Some(&pat.path),
            syn::Pat::TupleStruct(pat) => Some(&pat.path),
            syn::Pat::Struct(pat) => Some(&pat.path),
            _ => None,
        };
        if path.is_some_and(names_variant) {
            self.lines.push(pat.span().start().line);
        }
        visit::visit_pat(self, pat);
    }

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        let decides = matches!(expr.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_));
        for side in [&expr.left, &expr.right] {
            if let (true, syn::Expr::Path(side)) = (decides, &**side) {
                if names_variant(&side.path) {
                    self.lines.push(side.span().start().line);
                }
            }
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let mut tokens = Vec::new();
        flatten(mac.tokens.clone(), &mut tokens);
        let variants = tokens
            .windows(2)
            .filter(|two| two[0].text == "DType" && two[1].text == "::");
        self.lines.extend(variants.map(|two| two[0].line));
    }

    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        if path.ident == "DType" {
            self.lines.push(path.span().start().line);
        }
        visit::visit_use_path(self, path);
    }
}

/// Loops of a binding that are not over what a call is cut into.
struct Loops<'a> {
    file: &'a str,
    found: Vec<(usize, String)>,
}

impl Loops<'_> {
    fn add(&mut self, at: impl Spanned, what: impl Into<String>) {
        self.found.push((at.span().start().line, what.into()));
    }
}

/// What is walked: the function that gives it, past adaptors that do not change what it is.
fn walked(expr: &syn::Expr) -> String {
    match expr {
        syn::Expr::MethodCall(call) if ["zip", "enumerate"].contains(&call.method.to_string().as_str()) => {
            walked(&call.receiver)
        }
        syn::Expr::MethodCall(call) => call.method.to_string(),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => path
                .path
                .segments
                .last()
                .map_or_else(String::new, |s| s.ident.to_string()),
            _ => "a function".to_owned(),
        },
        _ => "elements".to_owned(),
    }
}

impl<'ast> Visit<'ast> for Loops<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !FEW_NUMBERS.contains(&(self.file, item.sig.ident.to_string().as_str())) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        let over = walked(&expr.expr);
        if self.file.starts_with("crates/node/") || !CUTS.contains(&over.as_str()) {
            self.add(expr, format!("for .. in {over}"));
        }
        self.visit_block(&expr.body);
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        self.add(expr, "while");
    }

    fn visit_expr_loop(&mut self, expr: &'ast syn::ExprLoop) {
        self.add(expr, "loop");
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if WALKS.contains(&name.as_str()) {
            self.add(&call.method, name);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let mut tokens = Vec::new();
        flatten(mac.tokens.clone(), &mut tokens);
        // `in` stands in a `for` alone, and the words of walks in calls.
        let walks = |name: &str| ["in", "while", "loop"].contains(&name) || WALKS.contains(&name);
        self.found.extend(
            tokens
                .into_iter()
                .filter(|t| walks(&t.text))
                .map(|t| (t.line, t.text)),
        );
    }
}

/// The core depends on nothing, each crate keeps the workspace's lints, and those say what they must.
fn manifest(file: &str, text: &str, found: &mut Vec<Violation>) {
    let mut missing = |what: &str| {
        found.push(Violation {
            rule: RULES[9],
            file: file.to_owned(),
            line: 0,
            found: what.to_owned(),
        });
    };
    let section = |name: &str| {
        let start = text.find(&format!("[{name}]\n"))? + name.len() + 3;
        Some(text[start..].split("\n[").next().unwrap_or_default())
    };
    if file == "Cargo.toml" {
        let lints = section("workspace.lints.clippy").unwrap_or_default();
        for lint in [
            "undocumented_unsafe_blocks",
            "disallowed_methods",
            "disallowed_macros",
        ] {
            if !lints.contains(&format!("{lint} = \"deny\"")) {
                missing(lint);
            }
        }
        let lints = section("workspace.lints.rust").unwrap_or_default();
        if !lints.contains("unsafe_op_in_unsafe_fn = \"deny\"") {
            missing("unsafe_op_in_unsafe_fn");
        }
        return;
    }
    if section("lints").is_none_or(|lints| !lints.contains("workspace = true")) {
        missing("the workspace's lints");
    }
    let depends = |line: &str| line.ends_with("dependencies]") && !line.contains("dev-dependencies");
    let dotted = |line: &str| line.contains("dependencies.") && !line.contains("dev-dependencies.");
    if file == "crates/core/Cargo.toml" && text.lines().any(|line| depends(line) || dotted(line)) {
        missing("a core without dependencies");
    }
}
