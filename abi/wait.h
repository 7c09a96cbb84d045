/* wait4(2), waitid(2): options, id types, and how a wait status is put together. */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H

#define LX_WNOHANG 0x00000001
#define LX_WUNTRACED 0x00000002
#define LX_WSTOPPED LX_WUNTRACED
#define LX_WEXITED 0x00000004
#define LX_WCONTINUED 0x00000008
#define LX_WNOWAIT 0x01000000
#define LX_WNOTHREAD 0x20000000
#define LX_WALL 0x40000000
#define LX_WCLONE 0x80000000u

#define LX_P_ALL 0
#define LX_P_PID 1
#define LX_P_PGID 2
#define LX_P_PIDFD 3

#define LX_WSTATUS_EXITED(code) (((code) & 0xff) << 8)
#define LX_WSTATUS_SIGNALED(sig) ((sig) & 0x7f)
#define LX_WSTATUS_STOPPED(sig) ((((sig) & 0xff) << 8) | 0x7f)
#define LX_WSTATUS_CONTINUED 0xffff
#define LX_WCOREFLAG 0x80

#define LX_WIFEXITED(s) (((s) & 0x7f) == 0)
#define LX_WEXITSTATUS(s) (((s) >> 8) & 0xff)
#define LX_WTERMSIG(s) ((s) & 0x7f)
#define LX_WIFSTOPPED(s) (((s) & 0xff) == 0x7f)
#define LX_WSTOPSIG(s) LX_WEXITSTATUS(s)
#define LX_WIFCONTINUED(s) ((s) == LX_WSTATUS_CONTINUED)
#define LX_WIFSIGNALED(s) (((s) & 0x7f) != 0 && ((s) & 0x7f) != 0x7f)

#endif
