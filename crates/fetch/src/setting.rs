//! An option that a call can set or turn off.

/// An option of a call. It overrides the one in the transport's defaults, unless it is not set.
#[derive(Clone, Debug, Default)]
pub(crate) enum Setting<T> {
    /// Not set: the defaults apply.
    #[default]
    Unset,
    /// Turned off, also if the defaults set it.
    Off,
    /// Set to this value.
    On(T),
}

impl<T: Clone> Setting<T> {
    /// Returns this setting if it is set or turned off, otherwise the default.
    pub(crate) fn or(self, default: &Self) -> Self {
        match self {
            Self::Unset => default.clone(),
            own => own,
        }
    }

    /// Returns the value, if there is one.
    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Self::On(value) => Some(value),
            Self::Unset | Self::Off => None,
        }
    }
}
