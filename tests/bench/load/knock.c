/*
 * HTTP requests, much cheaper than any server, and WebSocket handshakes up to the first frame.
 * Usage: knock PORT PID FILE SLOTS TASKS STEPS FRESH
 *   PID    the server, whose CPU is measured
 *   FILE   requests, each behind a line with its length; `%kkkkkkkkk` becomes a new key each time
 *   SLOTS  tasks at once; TASKS in all; each is STEPS requests one after the other
 *   FRESH  1: a new connection for each request, and sockets stay open
 */
#include "wire.h"

#define SLOTS 256
#define RECORDS 65536
#define ANSWER (512 * 1024)
#define LIFE_S 150

typedef struct {
  int fd, step;
  long task;
  size_t length, body_at, wanted;
  char *answer;
} Slot;

static struct { char *bytes, *key; size_t length; } records[RECORDS];
static Slot slots[SLOTS];
static int record_count, port, poll_fd, steps, fresh;
static long next_task, tasks, done, failed, arrived;

static void read_records(const char *name) {
  FILE *file = fopen(name, "r");
  size_t length;
  if (!file) fail(name);
  while (record_count < RECORDS && fscanf(file, "%zu%*1[\n]", &length) == 1) {
    char *bytes = malloc(length + 1);
    if (fread(bytes, 1, length, file) != length) fail("a short file");
    bytes[length] = 0;
    records[record_count].bytes = bytes;
    records[record_count].length = length;
    records[record_count++].key = memmem(bytes, length, "%kkkkkkkkk", 10);
  }
  fclose(file);
}

static void ask(Slot *slot) {
  static unsigned key;
  /* The next run is another process, and its keys are others: one that comes again is answered without being stored. */
  unsigned long run = (getpid() & 0xffffUL) << 20;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = slot - slots};
  int record = (slot->task * steps + slot->step) % record_count;
  char text[11];
  if (slot->fd < 0) {
    slot->fd = dial(port);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, slot->fd, &event);
  }
  if (records[record].key) {
    snprintf(text, sizeof text, "k%09lx", run + key++);
    memcpy(records[record].key, text, 10);
  }
  slot->length = slot->body_at = slot->wanted = 0;
  send_all(slot->fd, records[record].bytes, records[record].length);
}

static void begin(Slot *slot) {
  if (next_task >= tasks) return;
  slot->task = next_task++;
  slot->step = 0;
  ask(slot);
}

/* How long a frame is, with its head (RFC 6455, 5.2); 0 where that has not come yet. */
static size_t frame_length(const unsigned char *frame, size_t length) {
  if (length < 4) return 0;
  if (frame[1] < 126) return 2 + frame[1];
  if (frame[1] == 126) return 4 + (frame[2] << 8 | frame[3]);
  return length < 10 ? 0 : 10 + ((size_t)frame[6] << 24 | frame[7] << 16 | frame[8] << 8 | frame[9]);
}

/* Reads what the head says of the length; chunked bodies are known by their end. */
static void read_head(Slot *slot) {
  char *end = strstr(slot->answer, "\r\n\r\n"), *length;
  if (!end) return;
  slot->body_at = end + 4 - slot->answer;
  *end = 0;
  if (slot->answer[9] != '2' && slot->answer[9] != '3' && strncmp(slot->answer + 9, "101", 3)) failed++;
  length = strcasestr(slot->answer, "\r\nContent-Length:");
  if (length) slot->wanted = slot->body_at + atol(length + 17);
  *end = '\r';
}

static int is_complete(Slot *slot) {
  if (!slot->body_at) read_head(slot);
  if (!slot->body_at) return 0;
  if (slot->wanted) return slot->length >= slot->wanted;
  if (!strncmp(slot->answer + 9, "101", 3)) {
    size_t length = frame_length((unsigned char *)slot->answer + slot->body_at, slot->length - slot->body_at);
    return length && slot->length - slot->body_at >= length;
  }
  return !memcmp(slot->answer + slot->length - 5, "0\r\n\r\n", 5);
}

static void answered(Slot *slot) {
  int is_socket = !strncmp(slot->answer + 9, "101", 3);
  arrived += slot->length;
  if (fresh) {
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, slot->fd, NULL);
    if (!is_socket) close(slot->fd);
    slot->fd = -1;
  }
  if (++slot->step < steps) return ask(slot);
  done++;
  begin(slot);
}

static void take(Slot *slot) {
  ssize_t got = recv(slot->fd, slot->answer + slot->length, ANSWER - 1 - slot->length, 0);
  if (slot->length == ANSWER - 1) quit("an answer is too long");
  if (got == 0) quit("a connection was closed");
  if (got < 0) fail("a connection was cut");
  slot->length += got;
  slot->answer[slot->length] = 0;
  if (is_complete(slot)) answered(slot);
}

static double cpu_of(pid_t process) {
  clockid_t id;
  struct timespec used = {0};
  if (clock_getcpuclockid(process, &id) || clock_gettime(id, &used)) fail("cpu");
  return used.tv_sec * 1e3 + used.tv_nsec / 1e6;
}

int main(int count, char **values) {
  struct epoll_event events[SLOTS];
  if (count < 8) return 2;
  allow_many_files();
  allow_seconds(LIFE_S);
  port = atoi(values[1]);
  read_records(values[3]);
  int slot_count = atoi(values[4]) < SLOTS ? atoi(values[4]) : SLOTS;
  tasks = atol(values[5]);
  steps = atoi(values[6]);
  fresh = atoi(values[7]);
  poll_fd = epoll_create1(0);
  double start = now(), cpu = cpu_of(atoi(values[2])), limit = start + 120000;
  for (int i = 0; i < slot_count; i++) {
    slots[i] = (Slot){.fd = -1, .answer = malloc(ANSWER)};
    begin(&slots[i]);
  }
  while (done < tasks && now() < limit)
    for (int i = 0, ready = epoll_wait(poll_fd, events, SLOTS, 1000); i < ready; i++) take(&slots[events[i].data.u32]);
  printf("{\"done\":%ld,\"failed\":%ld,\"ms\":%.1f,\"cpu\":%.3f,\"bytes\":%ld}\n", done, failed, now() - start,
    cpu_of(atoi(values[2])) - cpu, arrived);
  return 0;
}
