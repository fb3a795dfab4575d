//! Every problem code has its page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The codes that the sources name where problems are made.
fn codes(root: &Path) -> BTreeSet<String> {
    let makers = [
        "Verdict::refused(",
        "Verdict::unknown(",
        "Verdict::forbidden(",
        "unavailable(",
        "Problem::new(",
        "Problem::unknown(",
        "Self::new(",
    ];
    let mut codes = BTreeSet::new();
    for part in ["domain", "service-kit", "command-api", "read-api"] {
        let mut files = Vec::new();
        sources(&root.join(part).join("src"), &mut files);
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            for maker in makers {
                for call in text.split(maker).skip(1) {
                    // The code is the first text in kebab-case among the call's arguments.
                    let arguments = call.split(';').next().unwrap_or_default();
                    let code = arguments.split('"').nth(1).filter(|text| {
                        !text.is_empty()
                            && text.bytes().all(|b| b == b'-' || b.is_ascii_lowercase())
                    });
                    codes.extend(code.map(str::to_owned));
                }
            }
        }
    }
    codes
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let codes = codes(root);
    assert!(
        codes.contains("no-room-available") && codes.contains("validation"),
        "{codes:?}"
    );
    let pages: BTreeSet<String> = std::fs::read_dir(root.join("docs/errors"))
        .unwrap()
        .flatten()
        .map(|entry| {
            entry
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README")
        .collect();
    let without: Vec<_> = codes.difference(&pages).collect();
    assert!(without.is_empty(), "codes without a page: {without:?}");
    let unused: Vec<_> = pages.difference(&codes).collect();
    assert!(unused.is_empty(), "pages without a code: {unused:?}");
}
