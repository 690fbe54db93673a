//! The stack and the variables of a method, with the values that they may have.

use std::rc::Rc;

use crate::parse::value::{Value, hole, unite};

/// How many variables, and how many places of the stack, are followed: methods that people write have tens.
const MAX_SLOTS: usize = 256;

/// What a place of the stack or a variable holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// The possible values of what is no object that is followed.
    values: Rc<Vec<Value>>,
    /// Which object it is.
    pub(super) object: Option<usize>,
    /// Whether it takes two places (`long`, `double`).
    pub(super) wide: bool,
    /// Whether it is known to be this and nothing else: the settings, the start or the code give it.
    pub(super) given: bool,
}

impl Slot {
    pub(super) fn of(values: Vec<Value>) -> Self {
        Self {
            values: Rc::new(values),
            ..Self::default()
        }
    }

    pub(super) fn unknown() -> Self {
        Self::of(hole())
    }

    /// The object of a number.
    pub(super) fn object(at: usize) -> Self {
        Self {
            object: Some(at),
            ..Self::default()
        }
    }

    /// The possible values.
    pub(super) fn values(&self, objects: &[Object]) -> Vec<Value> {
        match self.object.and_then(|at| objects.get(at)) {
            Some(object) => object.values.clone(),
            None => self.values.as_ref().clone(),
        }
    }

    /// How many bytes the possible values have.
    pub(super) fn weight(&self, objects: &[Object]) -> usize {
        let values = match self.object.and_then(|at| objects.get(at)) {
            Some(object) => &object.values,
            None => self.values.as_ref(),
        };
        values.iter().map(Vec::len).sum()
    }

    /// The same, known for sure or not.
    pub(super) fn given(self, given: bool) -> Self {
        Self { given, ..self }
    }

    /// The same, of one of the types that take two places or of another.
    pub(super) fn wide(self, wide: bool) -> Self {
        Self { wide, ..self }
    }
}

/// An object that is followed: a string or path that is put together, an array, a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    /// What it stands for: the text, the path, the address.
    pub(super) values: Vec<Value>,
    /// What is in it, by place.
    pub(super) items: Vec<Vec<Value>>,
}

/// The stack and the variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) stack: Vec<Slot>,
    locals: Vec<Slot>,
}

impl Frame {
    pub(super) fn push(&mut self, slot: Slot) {
        if self.stack.len() < MAX_SLOTS {
            self.stack.push(slot);
        }
    }

    /// How much there is of it.
    pub(super) fn len(&self) -> usize {
        self.stack.len() + self.locals.len()
    }

    /// What is on top; unknown where nothing is, as behind code that was not followed.
    pub(super) fn pop(&mut self) -> Slot {
        self.stack.pop().unwrap_or_else(Slot::unknown)
    }

    pub(super) fn local(&self, at: u16) -> Slot {
        let slot = self.locals.get(usize::from(at));
        slot.cloned().unwrap_or_else(Slot::unknown)
    }

    pub(super) fn set_local(&mut self, at: u16, slot: Slot) {
        let at = usize::from(at);
        if at >= MAX_SLOTS {
            return;
        }
        if self.locals.len() <= at {
            self.locals.resize_with(at + 1, Slot::unknown);
        }
        self.locals[at] = slot;
    }

    /// What may be there where two ways meet.
    pub(super) fn meet(&mut self, other: &Self, objects: &[Object]) {
        if self.stack.len() == other.stack.len() {
            meet(&mut self.stack, &other.stack, objects);
        }
        if self.locals.len() < other.locals.len() {
            self.locals.resize_with(other.locals.len(), Slot::unknown);
        }
        meet(&mut self.locals, &other.locals, objects);
    }
}

fn meet(slots: &mut [Slot], others: &[Slot], objects: &[Object]) {
    for (slot, other) in slots.iter_mut().zip(others) {
        if slot.object.is_none() || slot.object != other.object {
            let mut values = slot.values(objects);
            let others = other.values(objects);
            let given = slot.given && other.given && values == others;
            unite(&mut values, &others);
            *slot = Slot::of(values).wide(slot.wide).given(given);
        }
    }
}
