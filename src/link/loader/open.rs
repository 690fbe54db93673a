//! What a program opens once it runs: dlopen(3) of glibc (`dl-open.c`, `dl-load.c`).

use super::Open;
use super::glibc::{Got, Process};
use super::outcome::{Asked, Needed, Opened};

impl Process<'_, '_> {
    /// Each call of dlopen(3), one after the other, in the process as it has started.
    pub(super) fn open_all(&mut self, opens: &[Open]) -> Vec<Opened> {
        self.started = Some(self.libraries.len());
        let mut opened = Vec::new();
        for open in opens {
            let is = |object: &super::glibc::Object| object.path == open.by;
            let by = self.objects.iter().position(is).unwrap_or(0);
            opened.push(self.open(by, &open.names));
        }
        opened
    }

    /// The names are searched as if the calling object needed them.
    fn open(&mut self, by: usize, names: &[Vec<u8>]) -> Opened {
        let (rows, objects) = (self.libraries.len(), self.objects.len());
        let mut got = None;
        for name in names {
            match self.ask(name, by, Asked::Open, true) {
                Got::Object(index) => {
                    got = Some(index);
                    break;
                }
                // Of names that cannot be opened the first tells why.
                Got::Nothing | Got::Refused => self.libraries.truncate(rows + 1),
            }
        }
        let Some(index) = got else {
            return Opened {
                library: self.libraries.get(rows).cloned(),
                brings: Vec::new(),
            };
        };
        // What it needs is searched without the lists of those above the call: the chain of
        // DT_RPATH ends here (`__RTLD_CALLMAP`).
        if index >= objects
            && let Some(object) = self.objects.get_mut(index)
        {
            object.loader = None;
            self.follow(vec![index], (0..objects).collect());
        }
        let row = self.row_of(index);
        let library = row.and_then(|row| self.libraries.get(row)).cloned();
        let first = row.filter(|&row| row >= rows);
        let brings = first.and_then(|row| self.libraries.get(row + 1..));
        let brings: Vec<Needed> = brings.unwrap_or_default().to_vec();
        Opened { library, brings }
    }
}
