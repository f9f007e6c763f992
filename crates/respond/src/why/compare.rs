//! Sets two recorded sides against each other.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::model::{Aspect, Difference};

/// What a comparison of two records found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What differs.
    pub differences: Vec<Difference>,
    /// What is the same on both sides.
    pub unchanged: Vec<Aspect>,
    /// What one side did not record.
    pub unknown: Vec<Aspect>,
}

/// The parameter that names the recipe.
const RECIPE: &str = "recipe";
/// The figures by which models are compared.
const QUALITY: [&str; 2] = ["val_auc", "test_auc"];

/// Compares two records aspect by aspect.
#[must_use]
pub fn compare(good: &Facts, bad: &Facts) -> Comparison {
    let mut found = Comparison::default();
    found.text(Aspect::Data, "dataset", &good.dataset, &bad.dataset);
    found.text(Aspect::Pipeline, "pipeline", &good.pipeline, &bad.pipeline);
    match (good.params.get(RECIPE), bad.params.get(RECIPE)) {
        // Another recipe has other parameters: to list them all says no more than its name does.
        (Some(before), Some(after)) if before != after => found.push(Aspect::Params, RECIPE, before, after),
        _ => found.map(Aspect::Params, &good.params, &bad.params),
    }
    found.text(Aspect::Code, "code version", &good.code, &bad.code);
    found.map(Aspect::Environment, &good.environment, &bad.environment);
    for name in QUALITY {
        if let (Some(before), Some(after)) = (good.quality.get(name), bad.quality.get(name))
            && (after - before).abs() > 1e-9
        {
            found.push(Aspect::Quality, name, &format!("{before:.4}"), &format!("{after:.4}"));
        }
    }
    found
}

impl Comparison {
    fn push(&mut self, aspect: Aspect, name: &str, before: &str, after: &str) {
        self.differences.push(Difference {
            aspect,
            name: name.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
            effect_size: None,
            text: format!("{name}: {} → {}", shorten(before), shorten(after)),
        });
    }

    fn text(&mut self, aspect: Aspect, name: &str, good: &Option<String>, bad: &Option<String>) {
        match (good, bad) {
            (Some(before), Some(after)) if before == after => self.unchanged.push(aspect),
            (Some(before), Some(after)) => self.push(aspect, name, before, after),
            _ => self.unknown.push(aspect),
        }
    }

    fn map(&mut self, aspect: Aspect, good: &BTreeMap<String, String>, bad: &BTreeMap<String, String>) {
        if good.is_empty() || bad.is_empty() {
            self.unknown.push(aspect);
            return;
        }
        let before_count = self.differences.len();
        let mut names: Vec<&String> = good.keys().chain(bad.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let side = |map: &BTreeMap<String, String>| {
                map.get(name).cloned().unwrap_or_else(|| "not set".to_owned())
            };
            let (before, after) = (side(good), side(bad));
            if before != after {
                self.push(aspect, name, &before, &after);
            }
        }
        if self.differences.len() == before_count {
            self.unchanged.push(aspect);
        }
    }
}

/// Long hashes are cut: the first twelve digits tell them apart.
#[must_use]
pub fn shorten(text: &str) -> String {
    let is_hash = |part: &str| part.len() > 20 && part.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash(text) {
        return text.chars().take(12).collect();
    }
    if let Some((name, hash)) = text.rsplit_once('@').filter(|(_, hash)| is_hash(hash)) {
        return format!("{name}@{}", hash.chars().take(12).collect::<String>());
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn side(dataset: &str, depth: &str) -> Facts {
        Facts {
            dataset: Some(dataset.into()),
            pipeline: Some("p".into()),
            params: BTreeMap::from([("depth".to_owned(), depth.to_owned())]),
            ..Facts::default()
        }
    }

    #[test]
    fn each_aspect_is_changed_unchanged_or_unknown() {
        let found = compare(&side("wine@a", "5"), &side("wine@b", "5"));
        assert_eq!(found.differences.len(), 1);
        assert_eq!(found.differences[0].text, "dataset: wine@a → wine@b");
        assert_eq!(found.unchanged, [Aspect::Pipeline, Aspect::Params]);
        assert_eq!(found.unknown, [Aspect::Code, Aspect::Environment]);
    }

    #[test]
    fn a_parameter_on_one_side_only_is_a_difference() {
        let mut bad = side("wine@a", "5");
        bad.params.insert("rounds".into(), "9".into());
        let found = compare(&side("wine@a", "5"), &bad);
        assert_eq!(found.differences[0].before, "not set");
        assert_eq!(found.differences[0].aspect, Aspect::Params);
    }

    #[test]
    fn another_recipe_is_one_difference() {
        let (mut good, mut bad) = (side("wine@a", "5"), side("wine@a", "7"));
        good.params.insert("recipe".into(), "mlp".into());
        bad.params.insert("recipe".into(), "boosted-trees".into());
        let found = compare(&good, &bad);
        assert_eq!(found.differences.len(), 1);
        assert_eq!(found.differences[0].text, "recipe: mlp → boosted-trees");
    }

    #[test]
    fn hashes_are_cut_and_words_are_not() {
        assert_eq!(shorten(&format!("wine@{}", "a".repeat(64))), "wine@aaaaaaaaaaaa");
        assert_eq!(
            shorten("a plain sentence about nothing in particular"),
            "a plain sentence about nothing in particular"
        );
    }
}
