//! Names for what was given none.

const FIRST: [&str; 24] = [
    "amber", "brisk", "calm", "coiled", "deft", "even", "fine", "firm", "golden", "hardy", "keen", "long",
    "mild", "neat", "plain", "quick", "quiet", "smooth", "spun", "steady", "stout", "supple", "taut",
    "twined",
];
const SECOND: [&str; 24] = [
    "bight", "bobbin", "bowline", "braid", "cable", "cord", "fibre", "flax", "halyard", "hawser", "hemp",
    "hitch", "jute", "knot", "line", "loop", "manila", "ply", "reef", "sheet", "splice", "strand", "twine",
    "yarn",
];

/// A name of two words and a number, made from an identifier.
pub(crate) fn run_name(id: &str) -> String {
    let hash = blake3::hash(id.as_bytes());
    let bytes = hash.as_bytes();
    let number = u16::from_le_bytes([bytes[2], bytes[3]]) % 1000;
    let pick = |words: &[&'static str; 24], byte: u8| words[usize::from(byte) % words.len()];
    format!("{}-{}-{number}", pick(&FIRST, bytes[0]), pick(&SECOND, bytes[1]))
}
