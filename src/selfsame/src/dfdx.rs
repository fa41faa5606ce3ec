//! dfdx, which tensors, shapes, tapes and devices come from, for programs and cells that do not depend on it themselves.
//!
//! It is version 0.13.0 exactly, and part of this library's public interface: a tensor of another version is another type.
//! What a program usually needs of it is in [`crate::prelude`] already, and `use selfsame::prelude::*` is enough.

#[doc(no_inline)]
pub use ::dfdx::*;

/// All that dfdx's own prelude has, to stand beside [`crate::prelude`].
///
/// Two of its names, `Linear` and `Optimizer`, are names of ours as well, and are ours here: the compiler would refuse either
/// where both preludes are used. dfdx's are `selfsame::dfdx::nn::builders::Linear` and `selfsame::dfdx::optim::Optimizer`.
///
/// ```
/// use selfsame::dfdx::prelude::*;
/// use selfsame::prelude::*;
///
/// let dev = Cpu::default();
/// let layer = Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<Rank2<4, 3>, f32, Cpu> = dev.ones();
/// assert_eq!(relu(layer.forward(x)?).shape(), &(Const::<4>, Const::<2>));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub mod prelude {
    pub use crate::nn::Linear;
    pub use crate::optim::Optimizer;
    #[doc(no_inline)]
    pub use ::dfdx::prelude::*;
    // The trait's methods stay.
    pub use ::dfdx::optim::Optimizer as _;
}
