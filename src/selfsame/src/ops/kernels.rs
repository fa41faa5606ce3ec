//! How operations reach their kernels: by functions that are compiled here and nowhere else.
//!
//! A generic function is compiled by the crate that calls it, with that crate's settings; in a cell of a session those are
//! the settings that compile fastest, and a kernel would run ten times slower there. So what is generic over shapes and tapes
//! does nothing but look at shapes and call a method of the number type, whose implementations for float32 and float64 are
//! no longer generic. It also saves each caller the compilation.

/// Declares a trait of kernels, implemented for `f32` and `f64` by generic functions of this crate; a supertrait of
/// [`Real`](super::Real).
macro_rules! kernels {
    ($(#[$meta:meta])* $kernels:ident { $(fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $core:path;)+ }) => {
        $(#[$meta])*
        pub trait $kernels: Sized + Send + 'static {
            $(fn $name($($arg: $ty),*) -> $ret;)+
        }
        $crate::ops::kernels::kernels!(@of f32, $kernels { $(fn $name($($arg: $ty),*) -> $ret = $core;)+ });
        $crate::ops::kernels::kernels!(@of f64, $kernels { $(fn $name($($arg: $ty),*) -> $ret = $core;)+ });
    };
    (@of $real:ty, $kernels:ident { $(fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $core:path;)+ }) => {
        impl $kernels for $real {
            $(fn $name($($arg: $ty),*) -> $ret {
                $core($($arg),*)
            })+
        }
    };
}
pub(crate) use kernels;

use crate::tape::BackwardFn;

/// What a kernel makes: the output's values, and how gradients go back.
pub type Made<E> = (Vec<E>, BackwardFn<E>);
