# Where the machine starts: all registers zero, memory as the image says, clk 1.
#
#     0x1000_0000  top of the stack: 12 words, of which nine are the output
#                  td_guest_main's frames, downwards
#
# Nothing needs clearing (the zero region is zero by definition), and no global pointer is set up:
# the sources have no mutable globals to reach through it.
    .section .guest_start, "ax", @progbits
    .globl  _start
    .type   _start, @function
_start:
    lui     sp, %hi(__stack_top)
    addi    sp, sp, -48             # keeps the ABI's 16-byte alignment
    mv      a0, sp
    call    td_guest_main
    mv      a0, sp
    li      a7, 0                   # TD_CHIP_HALT: publishes nine words
    ecall
    ebreak                          # halt does not return
    .size   _start, . - _start
