-- With which words the carrier refused a call: "603 Network Blocked".
ALTER TABLE attempts ADD COLUMN sip_answer TEXT;
