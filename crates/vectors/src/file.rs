//! A file of cases, and where two texts of one file differ.

use crate::json::Json;

/// One case: a line of a file.
pub struct Case {
    name: String,
    line: String,
}

impl Case {
    /// A case of that name, which is its only one in the file.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let line = format!("{{\"name\":{}", name.as_str().json());
        Self { name, line }
    }

    /// One more field.
    pub fn with(mut self, key: &str, value: impl Json) -> Self {
        self.line += &format!(",{}:{}", key.json(), value.json());
        self
    }

    /// One more field, if there is a value.
    pub fn maybe(self, key: &str, value: Option<impl Json>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

/// One file of the folder.
pub struct File {
    pub name: &'static str,
    about: &'static [&'static str],
    pub cases: Vec<Case>,
}

impl File {
    /// `about` says what the fields mean.
    pub fn new(name: &'static str, about: &'static [&'static str], mut cases: Vec<Case>) -> Self {
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in cases.windows(2) {
            assert_ne!(pair[0].name, pair[1].name, "{name}: two cases of one name");
        }
        Self { name, about, cases }
    }

    /// The whole file.
    pub fn text(&self) -> String {
        let lines = |items: Vec<String>| items.join(",\n");
        let about = lines(self.about.iter().map(Json::json).collect());
        let cases = lines(self.cases.iter().map(|case| format!("{}}}", case.line)).collect());
        format!("{{\n\"about\": [\n{about}\n],\n\"cases\": [\n{cases}\n]\n}}\n")
    }
}

/// Where `found` first differs from `expected`: the line, and the case it holds.
pub fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (mut wanted, mut given) = (expected.split('\n'), found.split('\n'));
    for number in 1.. {
        let (wanted, given) = (wanted.next(), given.next());
        if wanted != given {
            let name = |line: Option<&str>| {
                let quoted = line?.strip_prefix("{\"name\":\"")?;
                Some(format!(", case \"{}\"", quoted.split('"').next()?))
            };
            let case = name(wanted).or_else(|| name(given)).unwrap_or_default();
            return Some(format!("line {number}{case} is not what the reference computes"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(cases: &[(&str, usize)]) -> String {
        let cases = cases.iter().map(|&(name, n)| Case::new(name).with("n", n));
        File::new("a.json", &["n is a number"], cases.collect()).text()
    }

    #[test]
    fn one_line_per_case_sorted() {
        let lines = r#"{
"about": [
"n is a number"
],
"cases": [
{"name":"a","n":2},
{"name":"b","n":1}
]
}
"#;
        assert_eq!(file(&[("b", 1), ("a", 2)]), lines);
    }

    #[test]
    fn the_first_difference_is_named() {
        let expected = file(&[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(difference(&expected, &expected), None);
        let said = |found: &str| difference(&expected, found).expect("a difference");
        assert!(said(&file(&[("a", 1), ("b", 7), ("c", 7)])).contains("line 7, case \"b\""));
        assert!(said(&file(&[("a", 1), ("c", 3)])).contains("case \"b\""));
        assert!(said(&file(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)])).contains("case \"c\""));
        assert!(said(expected.trim_end()).contains("line 11 "));
        assert!(said(&format!("{expected}{{\"name\":\"z\"}}")).contains("case \"z\""));
    }

    #[test]
    #[should_panic(expected = "two cases of one name")]
    fn names_are_unique() {
        file(&[("a", 1), ("a", 2)]);
    }
}
