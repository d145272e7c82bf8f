//! The `staithe` binary.
fn main() {}
