//! The verdict in words.

use super::model::{Aspect, Difference};

/// One or two sentences: what changed most, how much, and what did not.
#[must_use]
pub fn verdict(differences: &[Difference], unchanged: &[Aspect], compared: usize) -> String {
    let columns: Vec<&Difference> = differences.iter().filter(|d| d.aspect == Aspect::Column).collect();
    let mut sentences = Vec::new();
    if let Some(largest) = columns.first() {
        let others = columns.iter().skip(1).take(2).map(|d| d.name.as_str()).collect::<Vec<_>>().join(", ");
        let others = if others.is_empty() { String::new() } else { format!(", then {others}") };
        sentences.push(format!(
            "the data changed: {} of {compared} columns differ, largest {}{others}",
            columns.len(),
            largest.text.replacen(": effect", " (effect", 1) + ")",
        ));
    } else if compared > 0 {
        sentences.push(format!("none of {compared} columns differs"));
    }
    let made =
        [Aspect::Model, Aspect::Data, Aspect::Pipeline, Aspect::Params, Aspect::Code, Aspect::Environment];
    let changed: Vec<String> = made.iter().filter_map(|aspect| changed(differences, *aspect)).collect();
    if !changed.is_empty() {
        sentences.push(format!("changed as well: {}", changed.join("; ")));
    }
    let same: Vec<&str> =
        made.iter().filter(|aspect| unchanged.contains(aspect)).map(|aspect| aspect.word()).collect();
    if !same.is_empty() {
        sentences.push(format!("no change in {}", same.join(", ")));
    }
    for quality in differences.iter().filter(|d| d.aspect == Aspect::Quality).take(1) {
        sentences.push(quality.text.clone());
    }
    if sentences.is_empty() {
        return "nothing is known to differ".to_owned();
    }
    if columns.is_empty() && !changed.is_empty() {
        return sentences.join("; ").replacen("changed as well", "changed", 1);
    }
    sentences.join("; ")
}

fn changed(differences: &[Difference], aspect: Aspect) -> Option<String> {
    let found: Vec<&Difference> = differences.iter().filter(|d| d.aspect == aspect).collect();
    let first = found.first()?;
    Some(match found.len() {
        1 => first.text.clone(),
        count => format!("{} ({count} differences, first {})", aspect.word(), first.text),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn difference(aspect: Aspect, name: &str, text: &str) -> Difference {
        Difference {
            aspect,
            name: name.into(),
            before: String::new(),
            after: String::new(),
            effect_size: Some(0.9),
            text: text.into(),
        }
    }

    #[test]
    fn drift_without_any_change_of_ours() {
        let differences = [
            difference(Aspect::Column, "chlorides", "chlorides: effect 0.85, mean 0.087 → 0.046"),
            difference(Aspect::Column, "density", "density: effect 0.6"),
        ];
        let unchanged = [Aspect::Code, Aspect::Params, Aspect::Pipeline];
        assert_eq!(
            verdict(&differences, &unchanged, 11),
            "the data changed: 2 of 11 columns differ, largest chlorides (effect 0.85, mean 0.087 → 0.046), then density; \
             no change in pipeline, parameters, code"
        );
    }

    #[test]
    fn a_change_of_ours_with_the_same_data() {
        let differences = [difference(Aspect::Params, "depth", "depth: 5 → 50")];
        assert_eq!(
            verdict(&differences, &[Aspect::Data], 3),
            "none of 3 columns differs; changed: depth: 5 → 50; no change in data"
        );
        assert_eq!(verdict(&[], &[], 0), "nothing is known to differ");
    }
}
