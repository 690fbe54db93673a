//! The only module that reads the audited disk.
//!
//! Nothing here writes to it or runs anything of it. A symbolic link is followed inside the root
//! only; an absolute link, or one with `..`, starts again at the root's top and never leaves it.
//! Only regular files are opened, and never by a path that somebody could redirect meanwhile:
//! every step is relative to a directory that is held open.

mod attributes;
mod entries;
mod file;
mod folder;
mod held;
mod listing;
mod memo;
mod mounts;
mod root;
mod start;
mod step;
mod view;
mod walk;

pub use entries::{Basics, Entries, Listed};
pub use file::File;
pub use folder::{Attributes, Folder, Item, Moment};
pub use listing::{Listing, OpenDir};
pub use root::{LookupError, Node, Root};
pub use view::{Dir, View, Who};
pub use walk::{Entry, Limits, Progress, Visit, Walk, open_budget, walk};
