//! Keeping a second tree equal to a first one: comparing, copying, renaming, removing, all relative to
//! descriptors of the two roots, so that no name, link or race leads outside of either.
