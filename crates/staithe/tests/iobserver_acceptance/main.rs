//! The acceptance scenarios of iobserver's specification (section 12), numbered as there, and the defects of the
//! original that were measured: `staithe compat iobserver`, started and used as somebody would who comes from there.
//!
//! Lines of a scribe are compared without their time. Where a tree is mirrored its files are read, which a scribe on the
//! same tree tells of; what is said about lines is therefore said of trees that are not mirrored.

mod coming_back;
mod copies;
mod copies_of_trees;
mod lines;
mod moves;
mod plugins;
mod reloads;
#[path = "../iobserver/stage.rs"]
mod stage;
mod trees;
mod world;
