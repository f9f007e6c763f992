//! Names that somebody may have meant.

/// The most names that are suggested.
const MOST: usize = 5;

/// ` Did you mean 'a' or 'b'?`, or nothing.
pub(crate) fn did_you_mean<'a>(given: &str, options: impl Iterator<Item = &'a str>) -> String {
    let threshold = given.chars().count() * 2 / 5 + 1;
    let mut near: Vec<(usize, &str)> =
        options.filter_map(|option| Some((distance(given, option, threshold)?, option))).collect();
    near.sort_unstable();
    near.truncate(MOST);
    let quoted: Vec<String> = near.iter().map(|(_, name)| format!("'{name}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => format!(" Did you mean {one}?"),
        [one, other] => format!(" Did you mean {one} or {other}?"),
        [first @ .., last] => format!(" Did you mean {}, or {last}?", first.join(", ")),
    }
}

/// How many letters must be put in, taken out, changed or swapped to make one of the other; none if it is more than the
/// threshold. A change of case alone counts as one.
fn distance(one: &str, other: &str, threshold: usize) -> Option<usize> {
    if one == other {
        return Some(0);
    }
    let lower = |text: &str| -> Vec<char> { text.to_lowercase().chars().collect() };
    let (a, b) = (lower(one), lower(other));
    if a == b {
        return Some(1);
    }
    if a.len().abs_diff(b.len()) > threshold {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= threshold)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn near_names_are_suggested() {
        let options = || ["runId", "runUuid", "runName", "status", "userId"].into_iter();
        assert_eq!(did_you_mean("runid", options()), " Did you mean 'runId' or 'runUuid'?");
        assert_eq!(did_you_mean("satus", options()), " Did you mean 'status'?");
        assert_eq!(did_you_mean("nonsense", options()), "");
        assert_eq!(did_you_mean("nam", ["name"].into_iter()), " Did you mean 'name'?");
    }
}
