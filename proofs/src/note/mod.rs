//! Signed texts, C2SP signed-note, and the checkpoints of a log in them, C2SP tlog-checkpoint.

pub(crate) mod checkpoint;
pub(crate) mod key;
pub(crate) mod signed;
