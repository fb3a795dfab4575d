//! `comptoir audit check`: a proof, checked by whoever has the public key of the log.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use proofs::{CheckError, Proof, Verdict, check};
use serde_json::json;

use super::Found;
use super::keys::verifier_key;

#[derive(Args)]
pub(crate) struct Check {
    /// The proof, as `prove` and `prove-consistency` write it; `-` reads it from the input.
    proof: PathBuf,
    /// The public key of the log, as text or as a file that has it.
    #[arg(long, env = "COMPTOIR_LOG_KEY")]
    key: String,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Found> {
        let key = verifier_key(&self.key)?;
        let told = told(&self.proof)?;
        let verdict = Proof::parse(&told).and_then(|proof| check(&proof, &key));
        self.tell(&verdict);
        Ok(match verdict {
            Ok(_) => Found::Right,
            Err(_) => Found::Wrong,
        })
    }

    fn tell(&self, verdict: &Result<Verdict, CheckError>) {
        match (verdict, self.json) {
            (Ok(verdict), false) => println!("Proved: {verdict}."),
            (Err(error), false) => println!("Not proved: {error}."),
            (Ok(verdict), true) => println!("{}", json_of(verdict)),
            (Err(error), true) => {
                println!("{}", json!({"proved": false, "detail": error.to_string()}));
            }
        }
    }
}

fn json_of(verdict: &Verdict) -> serde_json::Value {
    match verdict {
        Verdict::Included {
            position,
            leaf_hash,
            checkpoint,
        } => json!({
            "proved": true, "kind": "inclusion", "log": checkpoint.origin(), "position": position,
            "leaf_hash": leaf_hash, "size": checkpoint.size(), "root": checkpoint.root(),
        }),
        Verdict::Consistent { first, second } => json!({
            "proved": true, "kind": "consistency", "log": first.origin(),
            "first": {"size": first.size(), "root": first.root()},
            "second": {"size": second.size(), "root": second.root()},
        }),
    }
}

fn told(proof: &Path) -> anyhow::Result<String> {
    match proof.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()).context("reading the proof"),
        false => std::fs::read_to_string(proof).with_context(|| proof.display().to_string()),
    }
}
