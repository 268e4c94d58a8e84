//! The `lethemail` program. Everything is in the library, so that stories can run it with a clock of their own.

fn main() -> std::process::ExitCode {
    lethemail::main()
}
