// A machine that waits for an answer says so at the top of its page.
import { Alert } from '../ui/patternfly';
import { call, type Data } from '../api/client';
import type { Entity } from '../store/inventory';
import { Button } from '../ui/Button';
import { tell } from '../ui/dialogs';

export function Question({ entity }: { entity: Entity }) {
  const question = entity.props['runtime.question'];
  if (!question) return null;
  return (
    <Alert isInline variant="warning" title={question.text}
      actionLinks={(question.choice?.choiceInfo ?? []).map((each: Data) => (
        <Button key={each.key} kind="link" onClick={() => void call(entity.ref, 'AnswerVM', { questionId: question.id, answerChoice: each.key }).catch((error) => tell('The answer was not taken', error))}>
          {each.summary ?? each.label}
        </Button>
      ))} />
  );
}
