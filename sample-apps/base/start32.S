/* The entry of a 32-bit program: hands main and its arguments to the C library. */
        .globl  _start
        .type   _start, @function
_start: .cfi_startproc
        .cfi_undefined eip
        xor     %ebp, %ebp
        pop     %esi
        mov     %esp, %ecx
        and     $-16, %esp
        push    %eax
        push    %esp
        push    %edx
        push    $0
        push    $0
        push    %ecx
        push    %esi
        push    $main
        call    __libc_start_main
        hlt
        .cfi_endproc
        .size   _start, .-_start
        .section .note.GNU-stack,"",@progbits
