//! `Debug` for types with fields that are secret, or that have no `Debug`.

/// Implements `Debug` with the type's name and only the fields that are listed: `opaque_debug!(Watches, |it| sessions:
/// it.0.number);`.
macro_rules! opaque_debug {
    ($type:ident $(<$($param:tt),+>)? $(, |$it:ident| $($field:ident: $value:expr),+)?) => {
        impl $(<$($param),+>)? std::fmt::Debug for $type $(<$($param),+>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut out = f.debug_struct(stringify!($type));
                $(
                    let $it = self;
                    $(out.field(stringify!($field), &$value);)+
                )?
                out.finish_non_exhaustive()
            }
        }
    };
}
