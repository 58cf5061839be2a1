# A whole guest in one sector: writes a numbered record to its own disk eight times a second, for as
# long as it runs. It goes on after the highest number that it finds there.
#
# From sector 64 on there is a ring of 64 records, each in a block of eight sectors so that QEMU, whose
# direct access may want whole blocks, writes it as it is: "DREC", the machine's number (at 0x1f0 of this sector), the
# record's number, two words that tell one start from another (the time stamp counter), the clock's
# ticks since midnight.
#
# A write that fails is tried again, with the same number.

    .set RING, 64
    .set RING_LENGTH, 64
    .set BLOCK, 8               # sectors
    .set BUFFER, 0x1000         # segment
    .set TICKS, 0x46c           # of the BIOS, 18.2 each second

    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7c00, %sp
    ljmp $0, $begin
begin:
    sti
    movb %dl, drive
    rdtsc
    movl %eax, boot
    movl %edx, boot + 4

    movw $BUFFER, %ax
    movw %ax, %es
    # The highest number in the ring, 0 if there is none.
    xorl %ecx, %ecx
look:
    pushl %ecx
    movb $0x42, %ah
    call disk
    popl %ecx
    jc look
    cmpl $0x43455244, %es:0
    jne next
    movl %es:8, %eax
    cmpl number, %eax
    jbe next
    movl %eax, number
next:
    addl $BLOCK, packet + 8
    incw %cx
    cmpw $RING_LENGTH, %cx
    jb look

again:
    incl number
    xorw %di, %di
    xorl %eax, %eax
    movw $(BLOCK * 128), %cx
    cld
    rep stosl
    movl $0x43455244, %es:0
    movl machine, %eax
    movl %eax, %es:4
    movl number, %eax
    movl %eax, %es:8
    movl boot, %eax
    movl %eax, %es:12
    movl boot + 4, %eax
    movl %eax, %es:16
    movl TICKS, %eax
    movl %eax, %es:20
    movl number, %eax
    andl $(RING_LENGTH - 1), %eax
    shll $3, %eax
    addl $RING, %eax
    movl %eax, packet + 8
    jmp write
wait_and_write:
    call wait
write:
    movw $0x4300, %ax
    call disk
    jc wait_and_write
    call wait
    jmp again

# Two ticks, about 110 ms.
wait:
    movl TICKS, %ebx
    addl $2, %ebx
sleep:
    hlt
    movl TICKS, %eax
    subl %ebx, %eax
    js sleep
    ret

disk:
    movb drive, %dl
    movw $packet, %si
    pushw %es
    int $0x13
    popw %es
    ret

    .balign 4
packet:
    .byte 16, 0
    .word BLOCK                 # sectors
    .word 0, BUFFER             # where to
    .long RING, 0               # first sector
number:
    .long 0
boot:
    .long 0, 0
drive:
    .byte 0

    .org 0x1f0 - 2
    .word 0
machine:
    .long 0
    .org 0x1fe
    .byte 0x55, 0xaa
