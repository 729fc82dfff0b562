//! What the filters give is what Python gives, and no more than may be made.

#[test]
fn scratch_cases() {
    let Ok(path) = std::env::var("SCRATCH_CASES") else { return };
    super::super::recorded::check(&std::fs::read_to_string(path).unwrap());
}
