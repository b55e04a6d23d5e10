"""Asks a tiny model one question with transformers: tool_calls.py FOLDER; the request comes as JSON on stdin."""

from __future__ import annotations

import json
import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

request = json.load(sys.stdin)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
prompt = tokenizer.apply_chat_template(
    request["messages"], tools=request["tools"] or None, add_generation_prompt=True, tokenize=False
)
ids = tokenizer(prompt, return_tensors="pt")
answer = model.generate(**ids, max_new_tokens=request["max_tokens"])[0, ids["input_ids"].shape[1] :]
json.dump({"content": tokenizer.decode(answer), "tokens": len(answer)}, sys.stdout)
