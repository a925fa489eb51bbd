//! Calls of the runtime that leave all registers as they are: for what compiled code seldom does in the middle of loops (a box
//! for a number that does not fit the word, the slow path of an allocation or of a write barrier). The register allocator
//! would move the values of the loop out of the way of such a call on the path that does not call, too, and would have them
//! in the registers of the arguments all the time: arguments and results lie in memory.

use std::cell::UnsafeCell;

use crate::helpers::Helper;

/// Word of the arguments that a float lies in.
pub const FLOAT_ARG: usize = 3;

/// The arguments of the call being made: up to three words, and a float. The first word is the result afterwards.
#[repr(align(32))]
pub struct Args(UnsafeCell<[u64; 4]>);
// SAFETY: written and read within one call of a stub, with the GIL held.
unsafe impl Sync for Args {}
static ARGS: Args = Args(UnsafeCell::new([0; 4]));

/// Address of the first argument.
pub fn args_address() -> u64 {
    ARGS.0.get() as u64
}

/// The helpers with a stub: what they call must take at most three arguments in integer registers and one in a float register.
macro_rules! stubs {
    ($($helper:ident = $target:ident;)*) => {
        #[cfg(target_arch = "x86_64")]
        mod stub {
            $(
                /// Saves what the callee may change; its frame is a link in the chain of frame pointers. The collector finds
                /// the saved registers on the stack.
                ///
                /// # Safety
                /// As its target.
                #[unsafe(naked)]
                pub unsafe extern "C" fn $target() {
                    std::arch::naked_asm!(
                        "push rbp",
                        "mov rbp, rsp",
                        "push rax",
                        "push rcx",
                        "push rdx",
                        "push rsi",
                        "push rdi",
                        "push r8",
                        "push r9",
                        "push r10",
                        "push r11",
                        "sub rsp, 264",
                        "movups [rsp], xmm0",
                        "movups [rsp + 16], xmm1",
                        "movups [rsp + 32], xmm2",
                        "movups [rsp + 48], xmm3",
                        "movups [rsp + 64], xmm4",
                        "movups [rsp + 80], xmm5",
                        "movups [rsp + 96], xmm6",
                        "movups [rsp + 112], xmm7",
                        "movups [rsp + 128], xmm8",
                        "movups [rsp + 144], xmm9",
                        "movups [rsp + 160], xmm10",
                        "movups [rsp + 176], xmm11",
                        "movups [rsp + 192], xmm12",
                        "movups [rsp + 208], xmm13",
                        "movups [rsp + 224], xmm14",
                        "movups [rsp + 240], xmm15",
                        "mov rdi, [rip + {args}]",
                        "mov rsi, [rip + {args} + 8]",
                        "mov rdx, [rip + {args} + 16]",
                        "movsd xmm0, [rip + {args} + 24]",
                        "call {target}",
                        "mov [rip + {args}], rax",
                        "movups xmm0, [rsp]",
                        "movups xmm1, [rsp + 16]",
                        "movups xmm2, [rsp + 32]",
                        "movups xmm3, [rsp + 48]",
                        "movups xmm4, [rsp + 64]",
                        "movups xmm5, [rsp + 80]",
                        "movups xmm6, [rsp + 96]",
                        "movups xmm7, [rsp + 112]",
                        "movups xmm8, [rsp + 128]",
                        "movups xmm9, [rsp + 144]",
                        "movups xmm10, [rsp + 160]",
                        "movups xmm11, [rsp + 176]",
                        "movups xmm12, [rsp + 192]",
                        "movups xmm13, [rsp + 208]",
                        "movups xmm14, [rsp + 224]",
                        "movups xmm15, [rsp + 240]",
                        "add rsp, 264",
                        "pop r11",
                        "pop r10",
                        "pop r9",
                        "pop r8",
                        "pop rdi",
                        "pop rsi",
                        "pop rdx",
                        "pop rcx",
                        "pop rax",
                        "pop rbp",
                        "ret",
                        target = sym crate::helpers::$target,
                        args = sym super::ARGS,
                    )
                }
            )*
        }

        /// The address of a function that does what the helper does and leaves all registers alone; None if there is none on this machine.
        pub fn stub_of(helper: Helper) -> Option<usize> {
            #[cfg(target_arch = "x86_64")]
            match helper {
                $( Helper::$helper => return Some(stub::$target as *const () as usize), )*
                _ => {}
            }
            let _ = helper;
            None
        }
    };
}

stubs! {
    BoxInt = box_int;
    BoxKind = box_kind;
    BoxUnsigned = box_unsigned;
    FitsUnsigned = fits_unsigned;
    UnboxUnsigned = unbox_unsigned;
    BoxFloat = box_float;
    Remember = remember;
    AllocSlow = alloc_slow;
    IsSlow = is_slow;
    ListAppend = list_append;
    ListAppendDouble = list_append_double;
    ListReserve = list_reserve;
    ListItem = list_item;
    FitsDouble = fits_double;
    HypotBits = hypot_bits;
    BoxChar = box_char;
    StrUnit = str_unit;
    StrIsChar = str_is_char;
}
