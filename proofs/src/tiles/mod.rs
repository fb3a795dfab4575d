//! How nodes are kept: tiles of 256 hashes, as in C2SP tlog-tiles. A tile of level `L` has nodes of
//! tree level `8 L`; what lies between is recomputed from it. Tiles only ever grow at their end,
//! so those of today also serve every earlier size of the tree.

pub(crate) mod builder;
pub(crate) mod shape;
pub(crate) mod tile;
pub(crate) mod wanted;
