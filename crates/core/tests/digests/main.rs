//! Every processor computes the same bits: the digests in `x86_64.txt`, which were made on x86-64.

mod recipes;

use twolayer_core::Level;

const EXPECTED: &str = include_str!("x86_64.txt");

#[test]
fn every_level_computes_the_digests_made_on_x86() {
    for level in Level::available() {
        let found = recipes::digests(level);
        let lines = EXPECTED.lines().zip(found.lines());
        let other: Vec<String> = lines.filter(|(a, b)| a != b).map(|(a, b)| format!("{b}, not {a}")).collect();
        assert!(other.is_empty(), "{level} computes other bits:\n{}", other.join("\n"));
        // As a whole, in case of other lines.
        assert!(found == EXPECTED, "the digests at {level} are\n{found}");
    }
}
