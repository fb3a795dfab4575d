//! The JSON of a proof file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::file::CheckError;
use crate::hash::Hash;

/// A proof as it is written to a file. Hashes are base64, checkpoints their signed notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proof {
    /// An event is in the log.
    Inclusion(InclusionProof),
    /// The log only grew.
    Consistency(ConsistencyProof),
}

/// That the event at a position is in the tree of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// [`Proof::VERSION`].
    pub version: u32,
    /// Of the event in the log, from 1.
    pub position: u64,
    /// Of the event.
    pub leaf_hash: Hash,
    /// What it is the hash of, for whoever wants to see the event itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf_input: Option<LeafInput>,
    /// As in the checkpoint.
    pub tree_size: u64,
    /// From the leaf's sibling upwards.
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// That the tree of a later checkpoint continues that of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// [`Proof::VERSION`].
    pub version: u32,
    /// The signed note of the earlier tree.
    pub first: String,
    /// The signed note of the later tree.
    pub second: String,
    /// Lowest first.
    pub path: Vec<Hash>,
}

/// The stored fields of an event as its leaf hash takes them, without the 0x00 in front. Base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafInput(pub Vec<u8>);

impl Proof {
    /// Of the files that are written and read.
    pub const VERSION: u32 = 1;

    /// Reads a file. Fields that are missing, unknown or told twice are refused.
    pub fn parse(json: &str) -> Result<Proof, CheckError> {
        serde_json::from_str(json).map_err(|fault| CheckError::Unreadable(fault.to_string()))
    }

    /// What a file has.
    pub fn to_json(&self) -> Result<String, CheckError> {
        serde_json::to_string_pretty(self)
            .map_err(|fault| CheckError::Unreadable(fault.to_string()))
    }
}

impl Serialize for LeafInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for LeafInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LeafInput, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|_| de::Error::custom("a leaf input must be standard base64"))?;
        Ok(LeafInput(bytes))
    }
}
