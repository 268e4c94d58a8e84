//! The SQL is read while this crate is built: a file more, or another text, makes it anew.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}
