/* The entry of a program: hands main and its arguments to the C library. */
        .globl  _start
        .type   _start, @function
_start: .cfi_startproc
        .cfi_undefined rip
        xor     %ebp, %ebp
        mov     %rdx, %r9
        pop     %rsi
        mov     %rsp, %rdx
        and     $-16, %rsp
        push    %rax
        push    %rsp
        xor     %r8d, %r8d
        xor     %ecx, %ecx
        lea     main(%rip), %rdi
        call    *__libc_start_main@GOTPCREL(%rip)
        hlt
        .cfi_endproc
        .size   _start, .-_start
        .section .note.GNU-stack,"",@progbits
