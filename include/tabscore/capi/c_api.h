/* SPDX-License-Identifier: MIT */
/* The C functions of a shared library that TABSCORE_C_API(name, service) of <tabscore/capi/c_api.hpp> makes. This file
 * needs nothing else of tabscore: copy it next to programs in C, Go, Rust or another language that reads C
 * declarations.
 *
 * Records and predictions are columns of the Arrow C data interface
 * (https://arrow.apache.org/docs/format/CDataInterface.html): a struct array, one entry a record. */
#ifndef TABSCORE_C_API_H
#define TABSCORE_C_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/* The version of these functions. open() compares it with the library's. */
#define TABSCORE_C_ABI 1

/* A loaded model. Of one library: a model of another one is refused. */
typedef struct tabscore_model tabscore_model;

/* What a function returns; last_error() has the sentence. */
enum tabscore_status {
  TABSCORE_OK = 0,
  TABSCORE_IO = 1,           /* a file cannot be opened or read */
  TABSCORE_SYNTAX = 2,       /* the bytes of a model or policy break the format's grammar */
  TABSCORE_STRUCTURE = 3,    /* a member or column is missing, unknown or of the wrong type */
  TABSCORE_UNSUPPORTED = 4,  /* valid, but not supported; also: another version of these functions */
  TABSCORE_MISMATCH = 5,     /* the model or the columns do not fit the service */
  TABSCORE_CHECK_FAILED = 6, /* the model does not give its trainer's numbers for its trainer's rows */
  TABSCORE_ARGUMENT = 7,     /* a null pointer, or a model of another library */
  TABSCORE_MEMORY = 8        /* no memory */
};

/* Declares the functions of the library with this name: TABSCORE_C_DECLARE(loan_default) declares loan_default_open and
 * the others. All may be called by any number of threads at once, also for one model; a model must not be closed while
 * it is in use. A function that returns a status writes to its last arguments only where the status is TABSCORE_OK.
 * Schemas and arrays that are handed out are released by their receiver. Texts are UTF-8.
 *
 *   abi()                TABSCORE_C_ABI as the library was built
 *   version()            the version of tabscore, "0.9.0"
 *   last_error()         why the calling thread's last function failed, or ""; valid until its next call
 *   open()               loads a model file, or a trainer's own file, and the policy file of a service that declares
 *                        decisions (otherwise NULL or "")
 *   open_bytes()         the same of files in memory
 *   close()              NULL is allowed. Predictions outlive the model, the stream of score_stream() does not
 *   record_schema()      the columns of a record: nullable where the field is optional; others are passed over
 *   prediction_schema()  the columns of predictions, the last is "error"
 *   score()              takes *schema and *records over and releases them in any case. *predictions has an entry a
 *                        record: the prediction, or nulls and a sentence in "error". Same bits alone or in a batch
 *   score_stream()       takes *records over: a stream of predictions, batch by batch as they are asked for
 *   explanation_schema() a struct a number of the prediction: a double a feature, and "base_value"
 *   explain()            contributions to each number (of a binary model to the log-odds); null for a record without a
 *                        prediction. As score() it takes *schema and *records over; monitoring does not count it
 *   describe()           JSON: name, sha256, trained_on, task, names, classes, threshold; give it to release()
 *   state()              JSON: what monitoring has counted, mergeable with that of servers; give it to release()
 *   release()            a text of this library; NULL is allowed */
#define TABSCORE_C_DECLARE(prefix)                                                                            \
  uint32_t prefix##_abi(void);                                                                                \
  const char* prefix##_version(void);                                                                         \
  const char* prefix##_last_error(void);                                                                      \
  int prefix##_open(uint32_t abi, const char* model_path, const char* policy_path, tabscore_model** model);   \
  int prefix##_open_bytes(uint32_t abi, const void* model_bytes, size_t model_size, const void* policy_bytes, \
                          size_t policy_size, tabscore_model** model);                                        \
  void prefix##_close(tabscore_model* model);                                                                 \
  int prefix##_record_schema(struct ArrowSchema* schema);                                                     \
  int prefix##_prediction_schema(const tabscore_model* model, struct ArrowSchema* schema);                    \
  int prefix##_score(const tabscore_model* model, struct ArrowSchema* schema, struct ArrowArray* records,     \
                     struct ArrowArray* predictions);                                                         \
  int prefix##_score_stream(const tabscore_model* model, struct ArrowArrayStream* records,                    \
                            struct ArrowArrayStream* predictions);                                            \
  int prefix##_explanation_schema(const tabscore_model* model, struct ArrowSchema* schema);                   \
  int prefix##_explain(const tabscore_model* model, struct ArrowSchema* schema, struct ArrowArray* records,   \
                       struct ArrowArray* explanations);                                                      \
  int prefix##_describe(const tabscore_model* model, char** json);                                            \
  int prefix##_state(const tabscore_model* model, char** json);                                               \
  void prefix##_release(char* text)

#ifdef __cplusplus
}
#endif

#endif /* TABSCORE_C_API_H */
