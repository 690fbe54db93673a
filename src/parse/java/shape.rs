//! Descriptors of methods.

/// A method's descriptor as it stands at a call.
pub(super) struct Shape {
    pub(super) parameters: Vec<String>,
    pub(super) wide: Vec<bool>,
    /// What it gives back: nothing, or whether that takes two places.
    pub(super) gives: Option<bool>,
}

/// Reads a descriptor (JVMS 4.3.3).
pub(super) fn shape(descriptor: &str) -> Option<Shape> {
    let mut shape = Shape {
        parameters: Vec::new(),
        wide: Vec::new(),
        gives: None,
    };
    let (mut rest, gives) = descriptor.strip_prefix('(')?.split_once(')')?;
    while !rest.is_empty() {
        let dimensions = rest.len() - rest.trim_start_matches('[').len();
        let kind = *rest.as_bytes().get(dimensions)?;
        let end = match kind {
            b'L' => rest.find(';')? + 1,
            _ => dimensions + 1,
        };
        let (one, after) = rest.split_at_checked(end)?;
        shape.parameters.push(one.to_owned());
        shape
            .wide
            .push(dimensions == 0 && matches!(kind, b'J' | b'D'));
        rest = after;
    }
    shape.gives = match gives {
        "V" => None,
        gives => Some(matches!(gives, "J" | "D")),
    };
    Some(shape)
}
