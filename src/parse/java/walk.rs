//! A method, run once in order of its code.

use std::collections::BTreeMap;

use cafebabe::attributes::{AttributeData, BootstrapMethodEntry, CodeData, LineNumberEntry};
use cafebabe::bytecode::Opcode;
use cafebabe::constant_pool::{InvokeDynamic, MemberRef};
use cafebabe::descriptors::{FieldDescriptor, FieldType, MethodDescriptor};

use super::Machine;
use super::frame::{Frame, Object, Slot};
use super::known::{Known, Method};
use super::loops::{Change, jump, stored_in_loops};
use super::shape::{Shape, shape};
use super::values::{concatenated, letters};
use crate::parse::op::{Act, Deed, Op};
use crate::parse::value::{
    HOLE, PARAMETERS, Value, closed, folded, hole, is_hole, is_open, seen_from, substituted,
};

/// How many objects of a method are followed, and how many things in one.
const MAX_OBJECTS: usize = 4096;
pub(super) const MAX_ITEMS: usize = 64;

/// How many slots of frames wait for the instruction that they are for.
const MAX_WAITING: usize = 100_000;

/// How many slots, or bytes of values, are as much work as an instruction.
const PER_STEP: usize = 8;

/// A method while it is run.
pub(super) struct Walk<'w> {
    pub(super) method: Method,
    pub(super) machine: &'w Machine<'w>,
    pub(super) known: &'w mut Known,
    /// Where the class is loaded from.
    pub(super) from: &'w [u8],
    makers: &'w [BootstrapMethodEntry<'w>],
    pub(super) frame: Frame,
    /// Variables that a loop gives new values.
    pub(super) changing: BTreeMap<u16, Change>,
    pub(super) objects: Vec<Object>,
    /// Frames of those who jump ahead, by where they go.
    ahead: BTreeMap<usize, Frame>,
    /// How many slots these have.
    waiting: usize,
    /// How much work is left.
    left: usize,
    line: u32,
    pub(super) ops: Vec<Op>,
}

/// Whether a value of a type takes two places.
fn is_wide(descriptor: &FieldDescriptor<'_>) -> bool {
    descriptor.dimensions == 0
        && matches!(descriptor.field_type, FieldType::Long | FieldType::Double)
}

/// What is run after an instruction.
enum Next {
    /// The one behind it.
    On,
    /// One further on.
    At(usize),
    /// Another.
    Elsewhere,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        method: Method,
        machine: &'w Machine<'w>,
        known: &'w mut Known,
        from: &'w [u8],
        makers: &'w [BootstrapMethodEntry<'w>],
    ) -> Self {
        Self {
            method,
            machine,
            known,
            from,
            makers,
            frame: Frame::default(),
            changing: BTreeMap::new(),
            objects: Vec::new(),
            ahead: BTreeMap::new(),
            waiting: 0,
            left: 0,
            line: 0,
            ops: Vec::new(),
        }
    }

    /// Gives the parameters their values: of `main` what the command line says, of others marks until it
    /// is known what they are called with.
    pub(super) fn enter(&mut self, descriptor: &MethodDescriptor<'_>, is_static: bool) {
        let mut at = u16::from(!is_static);
        let is_main = is_static && self.method.name == "main";
        let mut marks = PARAMETERS;
        for parameter in &descriptor.parameters {
            let slot = match marks.next() {
                _ if is_main && parameter.dimensions == 1 => {
                    let given = self.machine.arguments.iter();
                    let items = given.map(|argument| vec![argument.clone()]).collect();
                    self.make(Object {
                        values: hole(),
                        items,
                    })
                }
                Some(mark) => Slot::of(vec![vec![mark]]),
                None => Slot::unknown(),
            };
            let wide = is_wide(parameter);
            self.frame.set_local(at, slot.wide(wide));
            at = at.saturating_add(1 + u16::from(wide));
        }
    }

    /// Runs the code; whether there was work enough for all of it.
    pub(super) fn code(&mut self, code: &CodeData<'_>, left: &mut usize) -> bool {
        let Some(bytecode) = &code.bytecode else {
            return true;
        };
        let lines = code
            .attributes
            .iter()
            .find_map(|attribute| match &attribute.data {
                AttributeData::LineNumberTable(lines) => Some(lines.as_slice()),
                _ => None,
            });
        let pair = |line: &LineNumberEntry| (line.start_pc, line.line_number);
        let mut lines: Vec<(u16, u16)> = lines.unwrap_or_default().iter().map(pair).collect();
        lines.sort_unstable();
        self.changing = stored_in_loops(&bytecode.opcodes);
        self.left = *left;
        let is_whole = self.all(&bytecode.opcodes, &lines);
        *left = self.left;
        is_whole
    }

    fn all(&mut self, opcodes: &[(usize, Opcode<'_>)], lines: &[(u16, u16)]) -> bool {
        let mut next = Next::On;
        for (at, opcode) in opcodes {
            if matches!(next, Next::At(to) if *at < to) {
                continue;
            }
            if self.left == 0 {
                return false;
            }
            self.charge(1);
            self.line = line_of(lines, *at);
            let ahead = self.ahead.remove(at);
            self.waiting -= ahead.as_ref().map_or(0, Frame::len).min(self.waiting);
            match (ahead, &next) {
                (Some(other), Next::On) => self.frame.meet(&other, &self.objects),
                (Some(other), _) => self.frame = other,
                (None, Next::On) => {}
                // A handler of exceptions, or what only a jump back leads to.
                (None, _) => self.frame.stack = vec![Slot::unknown()],
            }
            next = self.step(*at, opcode);
        }
        true
    }

    fn jump(&mut self, from: usize, by: i32) {
        let Some(to) = target(from, by) else {
            return;
        };
        match self.ahead.get_mut(&to) {
            Some(other) => other.meet(&self.frame, &self.objects),
            None if self.waiting < MAX_WAITING => {
                self.waiting += self.frame.len();
                self.ahead.insert(to, self.frame.clone());
            }
            None => {}
        }
        self.charge(self.frame.len() / PER_STEP);
    }

    fn charge(&mut self, work: usize) {
        self.left = self.left.saturating_sub(work);
    }

    /// Charges what is done with the operands of a call.
    fn charge_for(&mut self, args: &[Slot]) {
        let bytes: usize = args.iter().map(|arg| arg.weight(&self.objects)).sum();
        self.charge(bytes / PER_STEP);
    }

    /// Makes an object that is followed.
    pub(super) fn make(&mut self, object: Object) -> Slot {
        if self.objects.len() >= MAX_OBJECTS {
            return Slot::of(object.values);
        }
        self.objects.push(object);
        Slot::object(self.objects.len() - 1)
    }

    pub(super) fn values(&self, slot: &Slot) -> Vec<Value> {
        slot.values(&self.objects)
    }

    pub(super) fn push(&mut self, values: Vec<Value>, wide: bool) {
        self.frame.push(Slot::of(values).wide(wide));
    }

    pub(super) fn constant(&mut self, values: Vec<Value>, wide: bool) {
        let is_known = !values.iter().all(|value| is_hole(value));
        self.frame.push(Slot::of(values).wide(wide).given(is_known));
    }

    /// Whether a number is known to be other than 0, or to be 0.
    fn decided(&self, slot: &Slot) -> Option<bool> {
        match self.values(slot).as_slice() {
            [number] if slot.given && number.iter().all(u8::is_ascii_digit) => {
                Some(number.as_slice() != b"0")
            }
            _ => None,
        }
    }

    pub(super) fn drop(&mut self, count: usize) {
        for _ in 0..count {
            self.frame.pop();
        }
    }

    /// Runs one instruction.
    fn step(&mut self, at: usize, opcode: &Opcode<'_>) -> Next {
        use Opcode as O;
        match opcode {
            O::Goto(by) => {
                self.jump(at, *by);
                return Next::Elsewhere;
            }
            O::Ifnonnull(by) => {
                let is_given = self.frame.pop().given;
                self.jump(at, *by);
                if let Some(to) = target(at, *by).filter(|_| is_given) {
                    return Next::At(to);
                }
            }
            O::Ifnull(by) => {
                if !self.frame.pop().given {
                    self.jump(at, *by);
                }
            }
            O::Ifeq(by) | O::Ifne(by) => {
                let slot = self.frame.pop();
                let holds = self.decided(&slot).map(|is_true| match opcode {
                    O::Ifne(_) => is_true,
                    _ => !is_true,
                });
                if holds != Some(false) {
                    self.jump(at, *by);
                }
                if let Some(to) = target(at, *by).filter(|_| holds == Some(true)) {
                    return Next::At(to);
                }
            }
            O::Iflt(by) | O::Ifge(by) | O::Ifgt(by) | O::Ifle(by) => {
                self.drop(1);
                self.jump(at, *by);
            }
            O::Tableswitch(table) => {
                self.drop(1);
                table
                    .jumps
                    .iter()
                    .chain([&table.default])
                    .for_each(|by| self.jump(at, *by));
                return Next::Elsewhere;
            }
            O::Lookupswitch(table) => {
                self.drop(1);
                let jumps = table.match_offsets.iter().map(|(_, by)| by);
                jumps
                    .chain([&table.default])
                    .for_each(|by| self.jump(at, *by));
                return Next::Elsewhere;
            }
            O::Areturn | O::Ireturn | O::Lreturn => {
                let slot = self.frame.pop();
                let values = self.values(&slot);
                self.known.give_back(&self.method, &values, slot.given);
                return Next::Elsewhere;
            }
            O::Return | O::Freturn | O::Dreturn | O::Athrow | O::Ret(_) => return Next::Elsewhere,
            O::Getstatic(field) => self.get_static(field),
            O::Getfield(field) => {
                self.drop(1);
                self.get(field);
            }
            O::Putstatic(field) => self.put(field),
            O::Putfield(field) => {
                let value = self.frame.pop();
                self.drop(1);
                self.frame.push(value);
                self.put(field);
            }
            O::Invokestatic(member) => self.invoke(member, true),
            O::Invokevirtual(member) | O::Invokespecial(member) | O::Invokeinterface(member, _) => {
                self.invoke(member, false);
            }
            O::Invokedynamic(call) => self.invoke_dynamic(call),
            // What is left of the jumps compares two values.
            _ => match jump(opcode) {
                Some(by) => {
                    self.drop(2);
                    self.jump(at, by);
                }
                None => self.plain(opcode),
            },
        }
        Next::On
    }

    fn get_static(&mut self, field: &MemberRef<'_>) {
        let name = field.name_and_type.name.as_ref();
        let separator = match (field.class_name.as_ref(), name) {
            ("java/io/File", "separator" | "separatorChar") => Some(&b"/"[..]),
            ("java/io/File", "pathSeparator" | "pathSeparatorChar") => Some(&b":"[..]),
            _ => None,
        };
        match separator {
            Some(text) => self.push(vec![text.to_vec()], false),
            None => self.get(field),
        }
    }

    fn get(&mut self, field: &MemberRef<'_>) {
        let values = self
            .known
            .field(&field.class_name, &field.name_and_type.name);
        let wide = matches!(field.name_and_type.descriptor.as_ref(), "J" | "D");
        let values = if values.is_empty() { hole() } else { values };
        let maker = Method::new(&field.class_name, "<clinit>", &field.name_and_type.name);
        let is_decided = self.known.is_decided(&maker);
        self.frame
            .push(Slot::of(values).wide(wide).given(is_decided));
    }

    fn put(&mut self, field: &MemberRef<'_>) {
        let value = self.frame.pop();
        let values = self.settled(&self.values(&value));
        let name = field.name_and_type.name.as_ref();
        self.known.assign(&field.class_name, name, &values);
        // What a class sets once, when it is loaded.
        let maker = Method::new(&field.class_name, "<clinit>", name);
        let is_final = self.method.name == "<clinit>" && value.given;
        self.known.decide(&maker, is_final);
        self.sets(name, &values);
    }

    fn invoke_dynamic(&mut self, call: &InvokeDynamic<'_>) {
        let Some(shape) = shape(&call.name_and_type.descriptor) else {
            return;
        };
        let args = self.arguments(&shape);
        self.charge_for(&args);
        let maker = self.makers.get(usize::from(call.attr_index));
        let values = match (call.name_and_type.name.as_ref(), maker) {
            ("makeConcatWithConstants", Some(maker)) => {
                let args: Vec<_> = args.iter().map(|arg| self.values(arg)).collect();
                concatenated(&maker.arguments, &args)
            }
            ("makeConcat", _) => {
                let args = args.iter().map(|arg| self.values(arg));
                super::values::all_joined(args.collect::<Vec<_>>().into_iter())
            }
            _ => hole(),
        };
        if let Some(wide) = shape.gives {
            self.push(values, wide);
        }
    }

    fn arguments(&mut self, shape: &Shape) -> Vec<Slot> {
        let mut args: Vec<Slot> = Vec::new();
        for parameter in shape.parameters.iter().rev() {
            let slot = self.frame.pop();
            args.push(match parameter.as_str() {
                // A letter is a number on the stack.
                "C" => Slot::of(letters(&self.values(&slot))).given(slot.given),
                _ => slot,
            });
        }
        args.reverse();
        args
    }

    fn invoke(&mut self, member: &MemberRef<'_>, is_static: bool) {
        let descriptor = &member.name_and_type.descriptor;
        let Some(shape) = shape(descriptor) else {
            return;
        };
        let args = self.arguments(&shape);
        self.charge_for(&args);
        let receiver = (!is_static).then(|| self.frame.pop());
        let (class, name) = (
            member.class_name.as_ref(),
            member.name_and_type.name.as_ref(),
        );
        let mut given = match self.known.is_own(class) {
            true => self.own(&Method::new(class, name, descriptor), &args),
            false => None,
        };
        if given.is_none() {
            given = self.library(class, name, &shape, receiver.as_ref(), &args);
        }
        if let Some(wide) = shape.gives {
            self.frame
                .push(given.unwrap_or_else(Slot::unknown).wide(wide));
        }
    }

    /// A call of the program's own: notes what it is given, and gives what it gives back.
    fn own(&mut self, method: &Method, args: &[Slot]) -> Option<Slot> {
        for (at, arg) in args.iter().enumerate() {
            let values = self.settled(&self.values(arg));
            let values: Vec<Value> = values.iter().map(|value| closed(value)).collect();
            self.known.call(method, at, &values);
        }
        if let Some((key, default)) = self.known.getter(method) {
            let key = args
                .get(key)
                .map(|key| self.values(key))
                .unwrap_or_default();
            let default = default.and_then(|at| args.get(at));
            let default = default.map(|default| self.values(default));
            return Some(self.setting(&key, default.as_ref()));
        }
        let values = self.known.given_back(method);
        if values.is_empty() {
            return None;
        }
        let given = |at: usize| args.get(at).map(|arg| self.values(arg)).unwrap_or_default();
        let values = substituted(&values, &given);
        Some(Slot::of(values).given(self.known.is_decided(method)))
    }

    /// Values with what the parameters of the method are called with.
    pub(super) fn settled(&self, values: &[Value]) -> Vec<Value> {
        if !values.iter().any(|value| is_open(value)) {
            return values.to_vec();
        }
        let given = |at: usize| {
            let known = self.known.called_with(&self.method, at);
            known.iter().map(|value| closed(value)).collect()
        };
        substituted(values, &given)
    }

    /// Notes what is done.
    pub(super) fn does(&mut self, by: &str, deed: Deed) {
        self.ops.push(Op {
            line: self.line,
            by: by.to_owned(),
            deed,
            arms: Vec::new(),
            function: self.method.short(),
            sure: true,
        });
    }

    /// Paths as they are seen from the directory that the program is started in.
    pub(super) fn acts(&mut self, by: &str, act: Act, values: &[Value]) {
        for value in self.settled(values) {
            // What begins with a dash is an option that was not asked for.
            let is_option = value.starts_with(b"-");
            if value.is_empty() || is_hole(&value) || is_option || value.contains(&b'\n') {
                continue;
            }
            let path = folded(&seen_from(self.machine.dir, &value));
            self.does(by, Deed::Path { act, path });
        }
    }

    /// Notes that a name of the program is given paths.
    pub(super) fn sets(&mut self, name: &str, values: &[Value]) {
        for value in values {
            if value.starts_with(b"/") && !value.contains(&HOLE) {
                let deed = Deed::Set {
                    name: name.to_owned(),
                    value: folded(value),
                    exported: false,
                };
                self.does(name, deed);
            }
        }
    }
}

/// Where a jump ahead goes.
fn target(from: usize, by: i32) -> Option<usize> {
    from.checked_add(usize::try_from(by).ok().filter(|by| *by > 0)?)
}

/// The line of the source that an instruction is from (JVMS 4.7.12), of a table in order of the code.
fn line_of(lines: &[(u16, u16)], at: usize) -> u32 {
    let after = lines.partition_point(|(start, _)| usize::from(*start) <= at);
    let line = after.checked_sub(1).and_then(|before| lines.get(before));
    line.map_or(0, |(_, line)| u32::from(*line))
}
