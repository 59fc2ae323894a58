//! A file of cases, and the comparison of two versions of a file.

use crate::json::Json;

/// One case: one line of a file.
pub struct Case {
    name: String,
    line: String,
}

impl Case {
    /// A case with a name that is unique in its file.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let line = format!("{{\"name\":{}", name.as_str().json());
        Self { name, line }
    }

    /// Adds a field.
    pub fn with(mut self, key: &str, value: impl Json) -> Self {
        self.line += &format!(",{}:{}", key.json(), value.json());
        self
    }

    /// Adds a field if there is a value.
    pub fn maybe(self, key: &str, value: Option<impl Json>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

/// One file of test vectors.
pub struct File {
    pub name: &'static str,
    about: &'static [&'static str],
    pub cases: Vec<Case>,
}

impl File {
    /// `about` explains the fields.
    pub fn new(name: &'static str, about: &'static [&'static str], mut cases: Vec<Case>) -> Self {
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in cases.windows(2) {
            assert_ne!(pair[0].name, pair[1].name, "{name}: two cases with the same name");
        }
        Self { name, about, cases }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let lines = |items: Vec<String>| items.join(",\n");
        let about = lines(self.about.iter().map(Json::json).collect());
        let cases = lines(self.cases.iter().map(|case| format!("{}}}", case.line)).collect());
        format!("{{\n\"about\": [\n{about}\n],\n\"cases\": [\n{cases}\n]\n}}\n")
    }
}

/// Describes the first line in which `actual` differs from `expected`, with the name of its case.
pub fn difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (mut expected, mut actual) = (expected.split('\n'), actual.split('\n'));
    for number in 1.. {
        let (expected, actual) = (expected.next(), actual.next());
        if expected != actual {
            let name = |line: Option<&str>| {
                let quoted = line?.strip_prefix("{\"name\":\"")?;
                Some(format!(", case \"{}\"", quoted.split('"').next()?))
            };
            let case = name(expected).or_else(|| name(actual)).unwrap_or_default();
            return Some(format!("line {number}{case} differs from the reference"));
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
    fn cases_are_sorted_one_per_line() {
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
        let message = |actual: &str| difference(&expected, actual).expect("a difference");
        assert!(message(&file(&[("a", 1), ("b", 7), ("c", 7)])).contains("line 7, case \"b\""));
        assert!(message(&file(&[("a", 1), ("c", 3)])).contains("case \"b\""));
        assert!(message(&file(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)])).contains("case \"c\""));
        assert!(message(expected.trim_end()).contains("line 11 "));
        assert!(message(&format!("{expected}{{\"name\":\"z\"}}")).contains("case \"z\""));
    }

    #[test]
    #[should_panic(expected = "two cases with the same name")]
    fn names_are_unique() {
        file(&[("a", 1), ("a", 2)]);
    }
}
