//! Finds the rule of a request by its method and path.

use std::collections::HashMap;

use super::routes::{Route, Rule};

/// The rules of many routes.
pub struct Table {
    exact: HashMap<&'static str, Vec<&'static Route>>,
    patterns: Vec<(Vec<&'static str>, &'static Route)>,
}

/// A rule, and what the path names.
pub type Matched = (&'static Rule, Vec<(&'static str, String)>);

impl Table {
    /// A table of these routes; the first that fits counts.
    #[must_use]
    pub fn new(routes: &[&'static [Route]]) -> Self {
        let mut table = Self { exact: HashMap::new(), patterns: Vec::new() };
        for route in routes.iter().flat_map(|routes| routes.iter()) {
            if route.path.contains('{') {
                table.patterns.push((route.path.split('/').skip(1).collect(), route));
            } else {
                table.exact.entry(route.path).or_default().push(route);
            }
        }
        table
    }

    /// The rule of a request.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Matched> {
        let path = without_prefix(path);
        // Whoever may read may ask for the head alone.
        let method = if method == "HEAD" { "GET" } else { method };
        if let Some(routes) = self.exact.get(path) {
            let found = routes.iter().find(|route| route.method == method);
            return found.map(|route| (&route.rule, Vec::new()));
        }
        self.patterns
            .iter()
            .filter(|(_, route)| route.method == method)
            .find_map(|(pattern, route)| Some((&route.rule, variables(pattern, path)?)))
    }
}

/// MLflow's path without the prefix that it has for programs or for pages.
#[must_use]
pub fn without_prefix(path: &str) -> &str {
    let stripped = path.strip_prefix("/ajax-api").or_else(|| path.strip_prefix("/api"));
    stripped.filter(|rest| rest.starts_with("/2.0") || rest.starts_with("/3.0")).unwrap_or(path)
}

fn variables(pattern: &[&'static str], path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut rest = path.strip_prefix('/')?;
    let mut found = Vec::new();
    for (index, part) in pattern.iter().enumerate() {
        if let Some(name) = part.strip_prefix("{*").and_then(|name| name.strip_suffix('}')) {
            found.push((name, decode(rest)));
            return (!rest.is_empty()).then_some(found);
        }
        let last = index + 1 == pattern.len();
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) if !last => (segment, after),
            None if last => (rest, ""),
            _ => return None,
        };
        match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => found.push((name, decode(segment))),
            None if *part == segment => {}
            None => return None,
        }
        rest = after;
    }
    Some(found)
}

/// Decodes percent signs.
fn decode(text: &str) -> String {
    // In a path a plus is a plus.
    if text.contains('%') { crate::call::decode(&text.replace('+', "%2B")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::routes::MLFLOW;
    use super::*;

    #[test]
    fn a_request_finds_its_rule_and_what_its_path_names() {
        let table = Table::new(&[MLFLOW]);
        let about = |method: &str, path: &str| {
            table.find(method, path).map(|(rule, _)| format!("{:?}", rule.about)).unwrap_or_default()
        };
        assert_eq!(about("GET", "/api/2.0/mlflow/runs/get"), "Run(Read)");
        assert_eq!(about("HEAD", "/ajax-api/2.0/mlflow/runs/get"), "Run(Read)");
        assert_eq!(about("POST", "/api/2.0/mlflow/runs/get"), "");
        assert_eq!(about("GET", "/api/2.0/mlflow/runs/%67et"), "");
        assert_eq!(about("POST", "/v1/traces"), "Spans");
        assert_eq!(about("GET", "/api/3.0/mlflow/traces/batchGet"), "SomeTraces");
        assert_eq!(about("GET", "/api/v1/runs"), "");
        let path = "/api/3.0/mlflow/traces/tr-1/assessments/a%2Fb";
        assert_eq!(about("DELETE", path), "Assessment(Delete)");
        let (_, names) = table.find("DELETE", path).unwrap();
        assert_eq!(names, [("trace_id", "tr-1".to_owned()), ("assessment_id", "a/b".to_owned())]);
        let (_, names) = table.find("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/a%20b/c+d").unwrap();
        assert_eq!(names, [("path", "1/a b/c+d".to_owned())]);
        assert_eq!(about("GET", "/api/3.0/mlflow/traces/"), "");
        assert_eq!(about("GET", "/api/3.0/mlflow/datasets/x/y/z"), "");
    }

    #[test]
    fn no_route_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for route in MLFLOW {
            assert!(seen.insert((route.method, route.path)), "{} {}", route.method, route.path);
        }
    }
}
