//! Character sets: iconv(3) of glibc opens a converter for each that it has not built in, from a
//! directory beside the C library.

use super::name_service::is_libc;
use super::{Found, Sight};
use crate::fact::{Certainty, LibraryStatus, Locus, ModuleKind, Priority};
use crate::link::loader::{Family, Outcome};
use crate::path::AppPath;

impl Sight<'_, '_> {
    /// The directory of converters, where an object of the application asks for one.
    pub(in crate::link) fn converters(
        &self,
        outcome: &Outcome,
        own: &dyn Fn(&AppPath) -> bool,
    ) -> Option<Found> {
        let loader = outcome.loader.as_ref()?;
        if loader.family == Family::Musl {
            return None;
        }
        let members = self.members(outcome);
        let asks = members
            .iter()
            .find(|member| member.calls.converts && own(member.real))?;
        let libc = members.iter().find(|member| is_libc(member.name))?;
        let beside = libc.real.parent()?.join(b"gconv");
        // Where /lib is not yet a link, the C library lies in /lib and its converters in /usr/lib.
        let below_usr = AppPath::new("/usr").join(
            beside
                .as_bytes()
                .strip_prefix(b"/")
                .unwrap_or(beside.as_bytes()),
        );
        let there = [beside, below_usr].into_iter().find(|dir| {
            let names = ["gconv-modules.cache", "gconv-modules", "gconv-modules.d"];
            names.iter().any(|name| {
                self.root
                    .resolve(dir.join(name.as_bytes()).as_bytes())
                    .is_ok()
            })
        });
        Some(Found {
            kind: ModuleKind::Converter,
            name: "gconv".to_owned(),
            or: Vec::new(),
            status: match there {
                Some(_) => LibraryStatus::Resolved,
                None => LibraryStatus::Missing,
            },
            how: match there {
                Some(_) => "one library for each character set".to_owned(),
                None => "only the character sets that the C library has built in".to_owned(),
            },
            real_path: there.clone(),
            path: there,
            lacks: Vec::new(),
            at: Locus::file(asks.real),
            priority: Priority::Suggested,
            certainty: Certainty::Inferred,
            opened_by: vec![outcome.file.clone()],
            opened_by_more: 0,
        })
    }
}
