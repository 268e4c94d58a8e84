//! A look at a document's text before it is parsed: the parser recurses as deep as brackets nest, and takes its time over many tokens.

/// Brackets of any kind inside each other.
const NESTING_MAX: usize = 50;
/// Names, numbers, strings and brackets. The introspection query of graphql-js has about 300.
const TOKENS_MAX: usize = 6_000;
/// Outside of arguments and variable definitions, a colon is always an alias.
const ALIASES_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextLimit {
    Nesting,
    Tokens,
    Aliases,
}

/// One pass without recursion. It need not be exact about errors: what is no GraphQL is for the parser to say.
pub(crate) fn check(text: &str) -> Result<(), TextLimit> {
    let mut rest = text.as_bytes();
    let (mut nesting, mut tokens) = (0_usize, 0_usize);
    let (mut parentheses, mut aliases) = (0_usize, 0_usize);
    while let Some((&byte, after)) = rest.split_first() {
        let length = match byte {
            b'#' => rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len()),
            b'"' => string_length(rest),
            byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
            _ => rest.len() - after.len(),
        };
        match byte {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'(' => parentheses += 1,
            b')' => parentheses = parentheses.saturating_sub(1),
            b':' if parentheses == 0 => aliases += 1,
            _ => {}
        }
        let is_token = byte != b'#' && byte != b',' && !byte.is_ascii_whitespace();
        tokens += usize::from(is_token);
        if nesting > NESTING_MAX {
            return Err(TextLimit::Nesting);
        }
        if tokens > TOKENS_MAX {
            return Err(TextLimit::Tokens);
        }
        if aliases > ALIASES_MAX {
            return Err(TextLimit::Aliases);
        }
        rest = &rest[length..];
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes of the string literal at the beginning of `text`, its quotes included.
fn string_length(text: &[u8]) -> usize {
    let (quote, start): (&[u8], usize) = if text.starts_with(b"\"\"\"") { (b"\"\"\"", 3) } else { (b"\"", 1) };
    let mut at = start;
    while at < text.len() {
        if text[at] == b'\\' {
            at += 2;
        } else if text[at..].starts_with(quote) {
            return at + quote.len();
        } else {
            at += 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest() {
        let text = format!("{{ a(b: \"{0}\") # {0}\n c(d: \"\"\"{0}\"\"\") }}", "{".repeat(1000));
        assert_eq!(check(&text), Ok(()));
        assert_eq!(check(&"{a".repeat(100)), Err(TextLimit::Nesting));
        assert_eq!(check(&"a ".repeat(10_000)), Err(TextLimit::Tokens));
        assert_eq!(check(&"a: b ".repeat(101)), Err(TextLimit::Aliases));
        assert_eq!(check(&format!("{{ a({}) }}", "b: {c: 1} ".repeat(101))), Ok(()));
    }
}
