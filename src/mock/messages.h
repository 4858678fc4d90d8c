/* Good answers in the Anthropic Messages API's words. */
#pragma once

#include "mock/answer.h"

void weir_mock_messages_begin(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_messages_open_token(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
				   uint64_t i);
void weir_mock_messages_close_token(struct weir_mock_pen *pen, const struct weir_mock_voice *voice,
				    uint64_t i);
void weir_mock_messages_finish(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_messages_open_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
void weir_mock_messages_close_whole(struct weir_mock_pen *pen, const struct weir_mock_voice *voice);
