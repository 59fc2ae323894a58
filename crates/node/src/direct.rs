//! Direct exports of the functions whose work takes less time than a call through napi-rs. They replace the generated
//! exports.
//!
//! The code that `#[napi]` generates keeps a registry of the objects that a call borrows (two allocations, a lock and a
//! reference count per call), for arguments that outlive the call. Arguments here never do: see the top of `arrays.rs`.
//! A lookup of one row took 680 ns, of which the registry took 300, on a machine where an empty export takes 60. So:
//!
//! ```text
//! #[napi] fn gather(..)      the declaration, and the types that contract.ts compares
//! direct! { gather(..) }     the export: reads the arguments and calls the same function
//! ```

#![expect(unsafe_code, reason = "callbacks of plain Node-API")]

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, ToNapiValue};
use napi::{check_status, sys, Env, JsError};
use napi_derive::napi;
use std::ptr::null_mut;

/// Exports functions of this crate. The names in parentheses only count the arguments.
macro_rules! direct {
    ($($js:literal = $name:ident($($argument:ident),*);)*) => {
        $(
            unsafe extern "C" fn $name(raw: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
                const COUNT: usize = [$(stringify!($argument)),*].len();
                let mut arguments = [null_mut(); COUNT];
                // SAFETY: the engine calls this with a live environment, and fills all of `arguments`: absent
                // arguments are `undefined`. Each is read once, as the type of the function's parameter.
                let called = unsafe { read_arguments(raw, info, &mut arguments) }.and_then(|()| {
                    let [$($argument),*] = arguments;
                    // SAFETY: as above.
                    unsafe { crate::$name(Env::from_raw(raw), $(FromNapiValue::from_napi_value(raw, $argument)?),*) }
                });
                // SAFETY: as above.
                unsafe { answer(raw, called) }
            }
        )*

        /// Replaces the generated exports.
        #[napi(module_exports)]
        pub fn direct_exports(mut exports: Object, env: Env) -> napi::Result<()> {
            $(
                let mut function = null_mut();
                // SAFETY: `env` is live, the name has the passed length, and the callback is static.
                check_status!(unsafe {
                    let name: &str = $js;
                    let (start, len) = (name.as_ptr().cast(), name.len() as isize);
                    sys::napi_create_function(env.raw(), start, len, Some($name), null_mut(), &mut function)
                })?;
                // SAFETY: the value was just created in this environment.
                exports.set_named_property($js, unsafe { Object::from_napi_value(env.raw(), function)? })?;
            )*
            Ok(())
        }
    };
}

direct! {
    "tableRead" = table_read(table, row, out);
    "tableWrite" = table_write(table, row, values);
    "sinusoidEncode" = sinusoid_encode(sinusoid, positions, out);
    "gather" = gather(table, ids, out);
    "bagRun" = bag_run(bag, ids, bags, weights, out);
    "poolRun" = pool_run(pool, ids, offsets, texts, out);
    "embedRun" = embed_run(embed, ids, seq, positions, call, out);
    "positionsRun" = positions_run(op, x, seq, positions, call, out);
    "rotaryRun" = rotary_run(op, x, heads, seq, positions, inverse, out);
    "backward" = backward(table, ids, grad_output, by_freq);
    "positionsBackward" = positions_backward(op, grad_output, seq, positions, call, out);
    "embedBackward" = embed_backward(embed, ids, seq, positions, call, grad_output);
    "bagBackward" = bag_backward(bag, ids, bags, weights, grad_output, weights_grad, by_freq);
    "scoreRun" = score_run(table, x, ids, per_row, out);
    "scoreBackward" = score_backward(table, x, ids, grad_scores, per_row, by_freq, out);
    "gradientCount" = gradient_count(table);
    "optimizerReserve" = optimizer_reserve(optimizer);
    "optimizerStep" = optimizer_step(optimizer, lr, product1, product2);
    "nearest" = nearest(table, queries, k, cosine, ids, scores);
    "similarity" = similarity(a, b, dim, out);
    "crossEntropy" = cross_entropy(scores, columns, targets, ignore_index, mean, out, result);
    "binaryCrossEntropy" = binary_cross_entropy(scores, labels, columns, mean, out, result);
    "squaredError" = squared_error(x, target, mean, out, result);
    "samplerDraw" = sampler_draw(sampler, position, out);
    "textEncode" = text_encode(tokenizer, bytes, ends, count, special, ids, at);
}

/// # Safety
/// `env` and `info` are those of the running callback.
unsafe fn read_arguments<const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    arguments: &mut [sys::napi_value; COUNT],
) -> napi::Result<()> {
    let mut count = COUNT;
    // SAFETY: the out-pointers live for the call, and `count` is the length of the array.
    check_status!(unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut count,
            arguments.as_mut_ptr(),
            null_mut(),
            null_mut(),
        )
    })
}

/// # Safety
/// `env` is that of the running callback.
unsafe fn answer<T: ToNapiValue>(env: sys::napi_env, called: napi::Result<T>) -> sys::napi_value {
    // SAFETY: the caller upholds the same requirements.
    called
        .and_then(|value| unsafe { T::to_napi_value(env, value) })
        .unwrap_or_else(|error| {
            // SAFETY: the caller upholds the same requirements; a pending exception is not replaced.
            unsafe { JsError::from(error).throw_into(env) };
            null_mut()
        })
}
