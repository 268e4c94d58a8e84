//! The public privacy policy: the committed page, which is made of the data policy and compared with it by a test.

use super::html::{escape, page};
use actix_web::HttpResponse;

const PAGE: &str = include_str!("../../../docs/privacy-policy.md");

pub(super) async fn policy() -> HttpResponse {
    page(HttpResponse::Ok(), "Privacy policy", &html(PAGE))
}

/// The little of Markdown that the page is written in: headings, lists of one level, tables, paragraphs, bold and code.
fn html(markdown: &str) -> String {
    markdown.split("\n\n").map(block).collect()
}

fn block(block: &str) -> String {
    let block = block.trim();
    let cells = |line: &str, tag: &str| -> String {
        let cells = line.trim_matches('|').split('|').map(|cell| format!("<{tag}>{}</{tag}>", inline(cell.trim())));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    match block {
        // The page has its title already.
        _ if block.starts_with("# ") => String::new(),
        _ if block.starts_with("### ") => format!("<h3>{}</h3>\n", inline(&block[4..])),
        _ if block.starts_with("## ") => format!("<h2>{}</h2>\n", inline(&block[3..])),
        _ if block.starts_with("- ") => {
            let items = block.lines().map(|item| format!("<li>{}</li>\n", inline(item.trim_start_matches("- "))));
            format!("<ul>\n{}</ul>\n", items.collect::<String>())
        }
        _ if block.starts_with('|') => {
            let mut lines = block.lines();
            let head = lines.next().map(|line| cells(line, "th")).unwrap_or_default();
            format!("<table>\n{head}{}</table>\n", lines.skip(1).map(|line| cells(line, "td")).collect::<String>())
        }
        _ => format!("<p>{}</p>\n", inline(block)),
    }
}

fn inline(text: &str) -> String {
    let paired = |text: String, mark: &str, tag: &str| -> String {
        let parts = text.split(mark).enumerate();
        parts.map(|(at, part)| if at % 2 == 1 { format!("<{tag}>{part}</{tag}>") } else { part.to_owned() }).collect()
    };
    paired(paired(escape(text), "**", "strong"), "`", "code")
}
