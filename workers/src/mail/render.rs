//! The two forms of an e-mail, from what it says: text, and HTML that says no more.

use domain::language::Language;

use super::templates::Says;

/// An e-mail, written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What it is about.
    pub subject: &'static str,
    /// As text.
    pub text: String,
    /// As HTML, without anything that is loaded from elsewhere.
    pub html: String,
}

const BODY: &str =
    "margin:0;padding:24px;background:#ffffff;color:#1a1a1a;font:16px/1.5 sans-serif";
const BUTTON: &str = "display:inline-block;padding:10px 18px;background:#1a4d8f;color:#ffffff;text-decoration:none;border-radius:4px";

/// Writes what `says` says.
pub fn render(says: &Says, language: Language) -> Rendered {
    let (tag, greeting, colon) = match language {
        Language::English => ("en", "Hello,", ":"),
        Language::French => ("fr", "Bonjour,", " :"),
    };
    let mut text = format!("{greeting}\n");
    let mut html = format!("<p>{greeting}</p>\n");
    for paragraph in &says.paragraphs {
        text.push_str(&format!("\n{paragraph}\n"));
        let lines = escape(paragraph).replace('\n', "<br>");
        html.push_str(&format!("<p>{lines}</p>\n"));
    }
    if let Some((words, link)) = &says.action {
        text.push_str(&format!("\n{words}{colon}\n{link}\n"));
        let (words, link) = (escape(words), escape(link));
        html.push_str(&format!(
            "<p><a href=\"{link}\" style=\"{BUTTON}\">{words}</a></p>\n<p>{link}</p>\n"
        ));
    }
    let subject = escape(says.subject);
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head><meta charset=\"utf-8\"><title>{subject}</title></head>\n<body style=\"{BODY}\">\n{html}</body>\n</html>\n"
    );
    Rendered {
        subject: says.subject,
        text,
        html,
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
